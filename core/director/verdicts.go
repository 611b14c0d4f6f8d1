package director

import (
	"cmp"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// observe takes verdicts in: from the targets whose state changed to the real servers they belong to, and from these to
// their virtual servers, each once however many verdicts concern it.
func (d *Director) observe(in Verdicts) Output {
	changed := d.hold(in)
	for _, t := range changed {
		d.emitVerdict(t)
		t.noteFall(d.now)
	}
	held := d.judgeBrake(d.fallen(changed))
	var u sdk.TableUpdate
	d.concern(append(held, changed...), &u)
	out := Output{Table: d.stamp(u)}
	if d.trackChanged(changed) {
		out.Instances = d.Instances()
	}
	for _, t := range changed {
		t.event, t.weighed = 0, 0
	}
	return out
}

// concern settles the virtual servers of targets that count for something else now.
func (d *Director) concern(targets []*target, u *sdk.TableUpdate) {
	var concerned []*virtualServer
	for _, t := range targets {
		for _, s := range t.servers {
			if !s.vs.touched {
				s.vs.touched = true
				concerned = append(concerned, s.vs)
			}
		}
	}
	slices.SortFunc(concerned, func(a, b *virtualServer) int { return cmp.Compare(a.order, b.order) })

	for _, vs := range concerned {
		vs.touched = false
		d.observeServers(vs)
		d.settle(vs, func(was, is slot) { record(u, vs.service.Key, was, is) })
	}
}

// hold takes verdicts in and returns the targets whose state or factor is another than before, in the order of the files.
func (d *Director) hold(in Verdicts) []*target {
	var touched []*target
	for _, v := range in.Verdicts {
		t := d.targets[v.TargetID]
		if t == nil || t.suspended || !known(v.State) || in.Generation != 0 && in.Generation < t.probedSince {
			continue
		}
		if !t.touched {
			t.touched, t.before = true, t.verdict
			touched = append(touched, t)
		}
		if v.Since.IsZero() {
			v.Since = in.Now
		}
		t.hold(v)
	}
	changed := touched[:0]
	for _, t := range touched {
		t.touched = false
		if t.verdict.State != t.before.State || t.verdict.Factor != t.before.Factor {
			changed = append(changed, t)
		}
	}
	slices.SortFunc(changed, func(a, b *target) int { return cmp.Compare(a.order, b.order) })
	return changed
}

// observeServers brings the states of a virtual server's real servers up to date, with an event for each that changed.
func (d *Director) observeServers(vs *virtualServer) {
	for _, s := range vs.servers {
		before, factor := s.state, s.factor
		changed := s.observe()
		if s.factor != factor {
			s.weighed = first(s.weighedBy(), d.brake.changed, vs.event)
		}
		if !changed {
			continue
		}
		s.since = d.now
		s.began = time.Time{}
		if s.state == sdk.StateUp {
			if s.mayClimb() && (before == sdk.StateDown && d.brake.changed == 0 || s.added) {
				d.beginClimb(s, 0)
			}
			s.added = false
		}
		if s.fresh {
			continue
		}
		s.event = d.emit(sdk.Event{
			Kind:    "real_server",
			Subject: s.subject,
			From:    before.String(),
			To:      s.state.String(),
			Reason:  s.reason,
			Cause:   first(s.cause(), d.brake.changed, vs.event),
		})
	}
}

// record adds a slot that has moved to a table update.
func record(u *sdk.TableUpdate, key sdk.ServiceKey, was, is slot) {
	if is.present {
		u.Changed = append(u.Changed, sdk.DestinationUpdate{Service: key, Destination: is.dest})
		return
	}
	u.Gone = append(u.Gone, sdk.DestinationKey{Service: key, Address: was.dest.Address, Port: was.dest.Port})
}

// stamp gives an update that says something the next generation.
func (d *Director) stamp(u sdk.TableUpdate) sdk.TableUpdate {
	if !u.Full && len(u.Table.Services)+len(u.Removed)+len(u.Changed)+len(u.Gone) == 0 {
		return sdk.TableUpdate{}
	}
	if !u.Full {
		u.Base = d.generation
	}
	d.generation++
	u.Generation = d.generation
	return u
}
