package director

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// beginInstances puts what is known at the start into the first plan. It makes no events.
func (d *Director) beginInstances(p *plan, seed Seed) {
	for _, name := range seed.Released {
		d.released[name] = true
	}
	for _, v := range p.instances {
		v.spec.Released = d.released[v.cfg.Name]
		if seed.Adopts {
			v.state, v.since = seed.States[v.cfg.Name], d.now
			v.trust(nil)
		}
		v.spec.PriorityChange, v.spec.Fault = v.judge()
	}
	for _, g := range p.groups {
		g.state, _ = g.common()
		g.since = d.now
	}
	p.restFollowers()
}

// carryInstances gives the instances of a plan what is known of those of the same name.
func (d *Director) carryInstances(p *plan) {
	for _, v := range p.instances {
		v.spec.Released = d.released[v.cfg.Name]
		if was := d.byInstance[v.cfg.Name]; was != nil {
			v.state, v.since, v.reason, v.priority = was.state, was.since, was.reason, was.priority
			v.notices, v.asked, v.askedAt = was.notices, was.asked, was.askedAt
		}
	}
	for _, g := range p.groups {
		for _, was := range d.groups {
			if was.cfg.Name == g.cfg.Name {
				g.state, g.since = was.state, was.since
			}
		}
	}
	p.restFollowers()
}

// restFollowers makes the checks of those virtual servers rest that follow an instance which is not master.
func (p *plan) restFollowers() {
	for _, vs := range p.virtualServers {
		vs.rest(suspended(vs, p.byInstance))
	}
}

// reconfigureInstances goes over to the instances of a plan, whose verdicts are known by now, and says whether anything
// is asked that was not.
func (d *Director) reconfigureInstances(p *plan) bool {
	other := len(p.instances) != len(d.instances)
	for _, v := range d.instances {
		if p.byInstance[v.cfg.Name] == nil {
			d.emitConfig("vrrp_instance."+v.cfg.Name, "removed", "")
		}
	}
	for i, v := range p.instances {
		was := d.byInstance[v.cfg.Name]
		if was == nil {
			d.emitConfig("vrrp_instance."+v.cfg.Name, "added", "")
			v.spec.PriorityChange, v.spec.Fault = v.judge()
			other = true
			continue
		}
		var cause uint64
		if diff := instanceDifferences(was, v); len(diff) > 0 {
			cause = d.emitConfig("vrrp_instance."+v.cfg.Name, "changed", summary(diff))
			v.asked, v.askedAt = cause, d.now
		}
		v.spec.PriorityChange, v.spec.Fault = was.spec.PriorityChange, was.spec.Fault
		v.trust(was.checks)
		d.track(v, cause)
		other = other || i >= len(d.instances) || d.instances[i].cfg.Name != v.cfg.Name || !reflect.DeepEqual(was.spec, v.spec)
	}
	d.reconfigureGroups(p)
	return other
}

// trust says what the checks of an instance that goes on are taken for while they are not known: what they were before, and
// a check without weight that is new for up, so that a reload makes no failover.
func (v *instance) trust(before []trackedCheck) {
	for i := range v.checks {
		c := &v.checks[i]
		if c.weight == nil && (v.state == sdk.VRRPMaster || v.state == sdk.VRRPBackup) {
			c.former = sdk.StateUp
		}
		for _, was := range before {
			if was.target.spec.ID == c.target.spec.ID && (was.weight == nil) == (c.weight == nil) {
				c.former = was.state()
			}
		}
	}
}

func (d *Director) reconfigureGroups(p *plan) {
	members := func(groups []*syncGroup) map[string]string {
		m := make(map[string]string, len(groups))
		for _, g := range groups {
			var names []string
			for _, v := range g.members {
				names = append(names, v.cfg.Name)
			}
			m[g.cfg.Name] = strings.Join(names, " ")
		}
		return m
	}
	old, next := members(d.groups), members(p.groups)
	for _, g := range d.groups {
		if _, there := next[g.cfg.Name]; !there {
			d.emitConfig("vrrp_sync_group."+g.cfg.Name, "removed", "")
		}
	}
	for _, g := range p.groups {
		was, there := old[g.cfg.Name]
		switch is := next[g.cfg.Name]; {
		case !there:
			d.emitConfig("vrrp_sync_group."+g.cfg.Name, "added", "")
		case was != is:
			d.emitConfig("vrrp_sync_group."+g.cfg.Name, "changed", "members "+was+" -> "+is)
		}
	}
}

// attributes are the language's words for what an instance is made of. What the checks make of it is not among them.
var attributes = map[string]string{
	"Interface": "interface", "VirtualRouterID": "virtual_router_id", "Version": "version", "Priority": "priority",
	"AdvertInterval": "advert_int", "Preempt": "preempt", "PreemptDelay": "preempt_delay", "StartupDelay": "startup_delay",
	"RFC5798Checksum": "checksum", "DropToVIP": "accept", "Source": "source_address", "MulticastGroup": "multicast_group",
	"UnicastPeers": "unicast_peers", "UnicastTTL": "unicast_ttl", "Addresses": "virtual_addresses",
	"Excluded": "virtual_addresses_excluded", "Routes": "virtual_route", "VirtualMAC": "use_vmac",
	"Announcements": "garp and gna attributes", "Authentication": "authentication", "SyncGroup": "vrrp_sync_group", "Interfaces": "track",
}

// instanceDifferences compares an instance with what it was.
func instanceDifferences(old, v *instance) []string {
	was, is := reflect.ValueOf(old.spec), reflect.ValueOf(v.spec)
	var diff []string
	for i := range was.NumField() {
		word := attributes[was.Type().Field(i).Name]
		if word == "" || reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
			continue
		}
		switch was.Type().Field(i).Name {
		case "Priority", "VirtualRouterID", "Version", "Interface", "AdvertInterval", "PreemptDelay", "StartupDelay":
			diff = append(diff, fmt.Sprintf("%s %v -> %v", word, was.Field(i).Interface(), is.Field(i).Interface()))
		default:
			diff = append(diff, word+" changed")
		}
	}
	same := func(a, b trackedCheck) bool {
		return a.target.spec.ID == b.target.spec.ID && samePointee(a.weight, b.weight)
	}
	if !slices.EqualFunc(old.checks, v.checks, same) && !slices.Contains(diff, "track changed") {
		diff = append(diff, "track changed")
	}
	return diff
}

// instancesOf is Instances of a plan.
func instancesOf(p *plan) []sdk.VRRPInstance {
	return (&Director{instances: p.instances}).Instances()
}
