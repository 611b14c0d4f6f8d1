package director

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// configure goes over to another configuration: it carries what is known over to the new plan, decides anew, and compares
// the two tables. Time-outs and sync daemons travel only with a whole table, so that a change of theirs sends one.
func (d *Director) configure(cfg *config.Config) Output {
	d.brake.cfg, d.brake.review = cfg.Director.Brake, d.brake.holds
	if out, ok := d.exchange(cfg); ok {
		return out
	}
	p := buildPlan(cfg, d.virtualServers)
	former := d.pair(p)
	d.carryVerdicts(p, former)
	var out Output
	d.carryInstances(p)
	out.Targets = d.retarget(d.plan(), p)

	var u sdk.TableUpdate
	kept := make(map[*virtualServer]bool, len(former))
	for _, old := range former {
		kept[old] = true
	}
	next := make(map[sdk.ServiceKey]bool, len(p.virtualServers))
	for _, vs := range p.virtualServers {
		next[vs.service.Key] = true
	}
	for _, old := range d.virtualServers {
		if !kept[old] {
			d.emitConfig("virtual_server."+old.cfg.Name, "removed", "")
		}
		if !next[old.service.Key] {
			u.Removed = append(u.Removed, old.service.Key)
		}
	}
	for _, vs := range p.virtualServers {
		switch old := former[vs]; old {
		case vs: // it goes on as it is
			vs.goOn()
		case nil:
			d.add(vs, &u)
		default:
			d.reconfigure(old, vs, &u)
		}
	}
	diffWays(&u, d.virtualServers, p.virtualServers)
	d.reportNamed(p)

	if d.reconfigureInstances(p) {
		out.Instances = instancesOf(p)
	}

	if d.timeouts != p.timeouts || !slices.Equal(d.sync, syncDaemons(p.syncBlocks, p.byInstance)) {
		d.emitConfig("ipvs", "changed", strings.Join(ipvsDifferences(d, p), ", "))
		u = sdk.TableUpdate{Full: true}
	}
	d.install(p)
	if u.Full {
		u.Table = d.Table().Table
	}
	out.Table = d.stamp(u)
	return out
}

// pair finds for the virtual servers of a plan those that they were: of the same service, or else of the same name.
func (d *Director) pair(p *plan) map[*virtualServer]*virtualServer {
	byKey := make(map[sdk.ServiceKey]*virtualServer, len(d.virtualServers))
	for _, old := range d.virtualServers {
		byKey[old.service.Key] = old
	}
	former := make(map[*virtualServer]*virtualServer, len(p.virtualServers))
	var moved []*virtualServer
	for _, vs := range p.virtualServers {
		if old := byKey[vs.service.Key]; old != nil {
			former[vs] = old
			delete(byKey, vs.service.Key)
		} else {
			moved = append(moved, vs)
		}
	}
	if len(moved) == 0 {
		return former
	}
	byName := make(map[string]*virtualServer, len(byKey))
	for _, old := range d.virtualServers {
		if byKey[old.service.Key] != nil && byName[old.cfg.Name] == nil {
			byName[old.cfg.Name] = old
		}
	}
	for _, vs := range moved {
		if old := byName[vs.cfg.Name]; old != nil {
			former[vs] = old
			delete(byName, vs.cfg.Name)
		}
	}
	return former
}

// carryVerdicts gives the targets of a plan the verdicts that are held on the same probes: first those of the same real
// server, whatever their IDs, then those of the same ID.
func (d *Director) carryVerdicts(p *plan, former map[*virtualServer]*virtualServer) {
	for _, vs := range p.virtualServers {
		old := former[vs]
		if old == nil || old == vs {
			continue
		}
		for _, s := range vs.servers {
			was := old.byAddr[s.addrPort()]
			if was == nil {
				continue
			}
			for i, t := range s.targets {
				if o := was.formerTarget(t, i); o != nil {
					d.carry(o, t)
				}
			}
		}
	}
	for id, t := range p.targets {
		if o := d.targets[id]; o != nil && o.sameProbe(t) {
			d.carry(o, t)
		}
		if t.probedSince == 0 {
			t.probedSince = d.generations[t.check.Type] + 1
		}
	}
}

// carry makes a target go on with what is held on another, unless it already goes on with something.
func (d *Director) carry(o, t *target) {
	if t.probedSince != 0 {
		return
	}
	t.probedSince = d.generations[t.check.Type] + 1
	if o.spec.ID == t.spec.ID {
		t.probedSince = o.probedSince
	}
	t.verdict = o.verdict
	if len(t.instances) == 0 {
		t.fell, t.held, t.fellWith = o.fell, o.held, o.fellWith
	}
	if known(t.verdict.State) {
		t.verdict.TargetID = t.spec.ID
	}
}

// formerTarget returns the target of a real server that has the same probe as another, preferably that in the same
// place, or nil.
func (s *realServer) formerTarget(t *target, place int) *target {
	if place < len(s.targets) && s.targets[place].sameProbe(t) {
		return s.targets[place]
	}
	for _, o := range s.targets {
		if o.sameProbe(t) {
			return o
		}
	}
	return nil
}

// retarget returns what changes for the check plugins between two plans.
func (d *Director) retarget(was, p *plan) map[string]sdk.TargetUpdate {
	var updates map[string]sdk.TargetUpdate
	tell := func(typ string) {
		u, ok := diffTargets(typ, was.targets, p.targets, was.byType[typ], p.byType[typ])
		if ok {
			d.generations[typ]++
			u.Generation = d.generations[typ]
			if updates == nil {
				updates = make(map[string]sdk.TargetUpdate)
			}
			updates[typ] = u
		}
		d.generations[typ] = max(d.generations[typ], 1) // also of a type all of whose targets rest
		for _, t := range p.byType[typ] {
			if before := was.targets[t.spec.ID]; !t.suspended && (before == nil || !before.told) {
				t.probedSince = u.Generation
			}
		}
		for _, t := range p.byType[typ] {
			t.told = !t.suspended
		}
	}
	for typ := range p.byType {
		tell(typ)
	}
	for typ := range was.byType {
		if p.byType[typ] == nil {
			tell(typ)
		}
	}
	return updates
}

// add begins a virtual server that was not there before.
func (d *Director) add(vs *virtualServer, u *sdk.TableUpdate) {
	for _, s := range vs.servers {
		s.assume(false, "")
		s.observe()
		s.since = s.stateSince(d.now)
	}
	d.settleFirst(vs, neverSeen)
	d.emitConfig("virtual_server."+vs.cfg.Name, "added", "")
	u.Table.Services = append(u.Table.Services, vs.whole())
}

// reconfigure goes over from a virtual server to its successor.
func (d *Director) reconfigure(old, vs *virtualServer, u *sdk.TableUpdate) {
	vs.quorum, vs.since = old.quorum, old.since
	if diff := differences(old, vs); len(diff) > 0 {
		vs.event = d.emitConfig("virtual_server."+vs.cfg.Name, "changed", summary(diff))
	}
	for _, s := range vs.servers {
		was := old.byAddr[s.addrPort()]
		if was == nil {
			s.fresh, s.added = true, true
			s.assume(false, "")
			continue
		}
		s.assumeFormer(was)
		s.state, s.since, s.weight, s.factor = was.state, was.since, was.weight, was.factor
		s.began, s.risen, s.climbEvent, s.added, s.was = was.began, was.risen, was.climbEvent, was.added, was.was
	}
	if vs.sorry != nil && old.sorry != nil && vs.sorry.sameAddress(old.sorry) {
		vs.sorry.in = old.sorry.in
	} else if old.sorry != nil && old.sorry.in {
		old.sorry.in = false
		d.emitSorry(old, old.sorry, "the configuration has changed", vs.event)
	}
	d.observeServers(vs)
	d.settle(vs, func(slot, slot) {})

	switch {
	case !reflect.DeepEqual(old.service, vs.service):
		u.Table.Services = append(u.Table.Services, vs.whole())
	default:
		diffSlots(u, vs.service.Key, old.slots, vs.slots)
	}
}

// assumeFormer takes a server for what it was before the reload, its part of the weight included, as long as none of its
// checks says otherwise.
func (s *realServer) assumeFormer(was *realServer) {
	s.granted = was.factor
	s.assume(was.state == sdk.StateUp, "it was up before the reload and its new checks are not yet known")
}

// diffSlots compares what two forms of the same service have in the table.
func diffSlots(u *sdk.TableUpdate, key sdk.ServiceKey, old, next []slot) {
	if slices.Equal(old, next) {
		return
	}
	had := make(map[netip.AddrPort]slot, len(old))
	for _, at := range old {
		if at.present {
			had[at.addrPort()] = at
		}
	}
	for _, at := range next {
		if !at.present {
			continue
		}
		if was, ok := had[at.addrPort()]; !ok || was != at {
			record(u, key, was, at)
		}
		delete(had, at.addrPort())
	}
	for _, at := range old {
		if _, left := had[at.addrPort()]; left && at.present {
			record(u, key, at, slot{})
		}
	}
}

// reportNamed says which checks with a name of their own have come, changed and gone.
func (d *Director) reportNamed(p *plan) {
	isNamed := make(map[string]bool, len(p.named))
	for _, t := range p.named {
		isNamed[t.spec.ID] = true
	}
	wasNamed := make(map[string]bool, len(d.named))
	for _, t := range d.named {
		wasNamed[t.spec.ID] = true
		if !isNamed[t.spec.ID] {
			d.emitConfig(t.spec.ID, "removed", "")
		}
	}
	for _, t := range p.named {
		switch old := d.targets[t.spec.ID]; {
		case !wasNamed[t.spec.ID]:
			d.emitConfig(t.spec.ID, "added", "")
		case !old.sameMessage(t):
			d.emitConfig(t.spec.ID, "changed", "")
		}
	}
}
