package director

import (
	"reflect"
	"slices"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// exchange goes over to a configuration that is the one that is followed but for some virtual servers, each in the place of
// one with its service and with the same targets of its own. It gives what configure would give, and takes as long as
// these virtual servers need, not all. It says false, having done nothing, when more has changed than that.
func (d *Director) exchange(cfg *config.Config) (out Output, ok bool) {
	if len(cfg.VirtualServers) != len(d.virtualServers) || !slices.Equal(cfg.Checks, d.checks) ||
		d.timeouts != sdk.Timeouts(cfg.IPVS.Timeouts) || !slices.EqualFunc(d.syncBlocks, cfg.IPVS.Sync, sameSync) ||
		!reflect.DeepEqual(d.vrrpInstances, cfg.VRRPInstances) || !reflect.DeepEqual(d.syncGroups, cfg.SyncGroups) {
		return out, false
	}
	was, is := newPlan(0), newPlan(0)
	former := make(map[*virtualServer]*virtualServer)
	for i, c := range cfg.VirtualServers {
		old := d.virtualServers[i]
		if old.cfg == c {
			continue
		}
		if c == nil || serviceKey(c.Service) != old.service.Key {
			return out, false
		}
		if old.via || usesVia(c) {
			return out, false // a mark must be one that nobody has
		}
		is.addVirtualServer(c)
		vs := is.virtualServers[len(is.virtualServers)-1]
		vs.order = i
		vs.rest(suspended(vs, d.byInstance))
		former[vs] = old
		was.take(old)
	}
	if len(was.sharedChecks)+len(is.sharedChecks) > 0 || !slices.EqualFunc(was.inOrder, is.inOrder, samePlace) {
		return out, false
	}

	d.carryVerdicts(is, former)
	out.Targets = d.retarget(was, is)
	var u sdk.TableUpdate
	for _, vs := range d.virtualServers {
		vs.goOn()
	}
	for _, vs := range is.virtualServers {
		d.reconfigure(former[vs], vs, &u)
		d.virtualServers[vs.order] = vs
	}
	for i, t := range is.inOrder {
		old := was.inOrder[i]
		t.order = old.order
		d.targets[t.spec.ID] = t
		list := d.byType[t.check.Type]
		list[slices.Index(list, old)] = t
	}
	out.Table = d.stamp(u)
	return out, true
}

// take puts the targets of a virtual server into a plan as if it had been made of it.
func (p *plan) take(vs *virtualServer) {
	for _, s := range vs.servers {
		for _, t := range s.targets {
			if t.check.Name != "" {
				p.sharedChecks[checkName{t.check.Type, t.check.Name}] = t
				continue
			}
			p.targets[t.spec.ID] = t
			p.byType[t.check.Type] = append(p.byType[t.check.Type], t)
			p.inOrder = append(p.inOrder, t)
		}
	}
}

// sameSync compares without the position in the file.
func sameSync(a, b config.Sync) bool {
	a.Position, b.Position = config.Position{}, config.Position{}
	return a == b
}

// samePlace says whether one target can stand in the place of another.
func samePlace(t, o *target) bool { return t.spec.ID == o.spec.ID && t.check.Type == o.check.Type }

// goOn tells the servers of a virtual server that a reload leaves as it is what they are taken for. To those without checks
// that makes no difference.
func (vs *virtualServer) goOn() {
	if !vs.checked {
		return
	}
	for _, s := range vs.servers {
		s.assumeFormer(s)
	}
}
