package director

import (
	"maps"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// VRRP is what a vrrp plugin reported: instances that are in another state, and notices that began or ended. Those of
// instances that are not configured change nothing.
//
// What is heard of an instance for the first time in a snapshot is no event: it may have been so before this core.
type VRRP struct {
	Now    time.Time
	Report sdk.VRRPReport
}

// Release is an operator's decision: an instance gives its role away, or may have it again. It stands until there is
// another, whatever the configuration does meanwhile. What stands already changes nothing.
type Release struct {
	Now      time.Time
	Instance string
	Released bool
}

func (VRRP) input()    {}
func (Release) input() {}

// Instances returns all that is asked of the vrrp plugin, in the order of the files.
func (d *Director) Instances() []sdk.VRRPInstance {
	all := make([]sdk.VRRPInstance, len(d.instances))
	for i, v := range d.instances {
		all[i] = v.message()
	}
	return all
}

// message returns what is asked; it shares nothing with the director.
func (v *instance) message() sdk.VRRPInstance {
	m := v.spec
	m.UnicastPeers = slices.Clone(m.UnicastPeers)
	m.Addresses = slices.Clone(m.Addresses)
	m.Excluded = slices.Clone(m.Excluded)
	m.Routes = slices.Clone(m.Routes)
	m.Interfaces = slices.Clone(m.Interfaces)
	return m
}

// States returns the states of instances that are known, by name, for the journal.
func (d *Director) States() map[string]sdk.VRRPState {
	states := make(map[string]sdk.VRRPState, len(d.instances))
	for _, v := range d.instances {
		if v.state != "" {
			states[v.cfg.Name] = v.state
		}
	}
	return states
}

// Released returns the names that an operator released, sorted, also those of instances that are not configured now.
func (d *Director) Released() []string { return slices.Sorted(maps.Keys(d.released)) }

// release carries out an operator's decision.
func (d *Director) release(in Release) Output {
	if d.released[in.Instance] == in.Released {
		return Output{}
	}
	to := "released"
	if in.Released {
		d.released[in.Instance] = true
	} else {
		delete(d.released, in.Instance)
		to = "reclaimed"
	}
	event := d.emit(sdk.Event{Kind: "operator", Subject: "vrrp_instance." + in.Instance, To: to})
	v := d.byInstance[in.Instance]
	if v == nil {
		return Output{}
	}
	v.spec.Released = in.Released
	v.asked, v.askedAt = event, d.now
	return Output{Instances: d.Instances()}
}

// hear takes in what a vrrp plugin reported.
func (d *Director) hear(in VRRP) Output {
	events := make(map[*instance]uint64) // the last of each that is in another state
	for _, t := range in.Report.Transitions {
		v := d.byInstance[t.Instance]
		if v == nil || t.To == "" {
			continue
		}
		v.priority = t.Priority
		if v.state == t.To {
			continue
		}
		events[v] = d.move(v, t, in.Report.Snapshot)
	}
	d.notices(in.Report)
	if len(events) == 0 {
		return Output{}
	}
	d.settleGroups(events)
	out := Output{Targets: d.suspend(events)}
	if d.followSync(events) {
		out.Table = d.stamp(sdk.TableUpdate{Full: true, Table: d.Table().Table})
	}
	return out
}

// move puts an instance into another state, and returns the event, or 0.
func (d *Director) move(v *instance, t sdk.VRRPTransition, snapshot bool) uint64 {
	was := v.state
	v.state, v.reason, v.since = t.To, t.Reason, t.Time
	if v.since.IsZero() {
		v.since = d.now
	}
	if was == "" {
		if snapshot {
			return 0
		}
		was = t.From
	}
	return d.emit(sdk.Event{
		Kind:    "vrrp_instance",
		Subject: v.cfg.Name,
		From:    string(was),
		To:      string(v.state),
		Reason:  v.reason,
		Cause:   v.cause(d.now),
	})
}

// settleGroups makes events of the groups all of whose members are in one state that they were not all in before.
func (d *Director) settleGroups(events map[*instance]uint64) {
	for _, g := range d.groups {
		var cause uint64
		concerned := false
		for _, v := range g.members {
			if event, ok := events[v]; ok {
				concerned, cause = true, max(cause, event)
			}
		}
		state, ok := g.common()
		if !concerned || !ok || state == g.state {
			continue
		}
		was := g.state
		g.state, g.since = state, d.now
		if cause == 0 { // it was so before, as far as anybody knows
			continue
		}
		d.emit(sdk.Event{
			Kind:    "vrrp_sync_group",
			Subject: g.cfg.Name,
			From:    string(was),
			To:      string(state),
			Reason:  "all its members are " + string(state),
			Cause:   cause,
		})
	}
}

// common returns the state that all members of a group are in.
func (g *syncGroup) common() (sdk.VRRPState, bool) {
	if len(g.members) == 0 || g.members[0].state == "" {
		return "", false
	}
	for _, v := range g.members {
		if v.state != g.members[0].state {
			return "", false
		}
	}
	return g.members[0].state, true
}

// notices takes in those of a report. In a snapshot, those that are missing have ended.
func (d *Director) notices(r sdk.VRRPReport) {
	for _, n := range r.Notices {
		if v := d.byInstance[n.Instance]; v != nil {
			d.notice(v, n)
		}
	}
	if !r.Snapshot {
		return
	}
	for _, v := range d.instances {
		for _, old := range slices.Clone(v.notices) {
			if !slices.ContainsFunc(r.Notices, old.same) {
				d.notice(v, sdk.VRRPNotice{Instance: v.cfg.Name, Kind: old.Kind, Subject: old.Subject, Ended: true})
			}
		}
	}
}

// notice begins a notice, ends it, or brings its words up to date.
func (d *Director) notice(v *instance, n sdk.VRRPNotice) {
	i := slices.IndexFunc(v.notices, func(old notice) bool { return old.same(n) })
	if n.Time.IsZero() {
		n.Time = d.now
	}
	switch {
	case n.Ended && i >= 0:
		old := v.notices[i]
		v.notices = slices.Delete(v.notices, i, i+1)
		if n.Text == "" {
			n.Text = old.Text
		}
		d.emit(sdk.Event{Kind: "vrrp_notice", Subject: v.cfg.Name, From: n.Kind, To: "ended", Reason: n.Text, Cause: old.event})
	case n.Ended:
	case i >= 0:
		v.notices[i].Text = n.Text
	default:
		event := d.emit(sdk.Event{Kind: "vrrp_notice", Subject: v.cfg.Name, To: n.Kind, Reason: n.Text})
		v.notices = append(v.notices, notice{n, event})
	}
}

// same says whether another notice is about the same thing.
func (n notice) same(o sdk.VRRPNotice) bool {
	return n.Instance == o.Instance && n.Kind == o.Kind && n.Subject == o.Subject
}
