package director

import (
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// settleFirst makes the first decision on a virtual server, which changes nothing that anybody knew.
func (d *Director) settleFirst(vs *virtualServer, was quorum) {
	vs.weigh()
	vs.quorum = was.next(vs.sum, vs.cfg.Quorum, vs.cfg.Hysteresis)
	vs.since = d.now
	for i, s := range vs.servers {
		s.weight, vs.slots[i] = vs.place(s)
		s.was = s.worth()
	}
	if vs.ownSorrySlot() {
		vs.slots[len(vs.servers)] = vs.placeSorry()
	}
	if vs.sorry != nil {
		vs.sorry.in = vs.sorryIn()
	}
}

// settle works out quorum, sorry server and weights after the states of servers have changed, with the events that this
// makes. moved is called for each slot that is no longer what it was.
func (d *Director) settle(vs *virtualServer, moved func(was, is slot)) {
	quorumEvent := d.settleQuorum(vs)

	if sorry := vs.sorry; sorry != nil && sorry.in != vs.sorryIn() {
		sorry.in = vs.sorryIn()
		d.emitSorry(vs, sorry, "the quorum is "+vs.quorum.String(), first(quorumEvent, vs.event))
	}

	for i, s := range vs.servers {
		weight, at := vs.place(s)
		if weight != s.weight && !s.fresh && !s.silent(weight, quorumEvent) {
			if event := d.emitWeight(s, weight, at.present, quorumEvent); s.climbs() {
				s.climbEvent = event
			}
		}
		s.weight, s.was = weight, s.worth()
		s.event, s.weighed, s.fresh, s.arrived = 0, 0, false, false
		if was := vs.slots[i]; was != at {
			vs.slots[i] = at
			moved(was, at)
		}
	}
	if vs.ownSorrySlot() {
		last, at := &vs.slots[len(vs.servers)], vs.placeSorry()
		if was := *last; was != at {
			*last = at
			moved(was, at)
		}
	}
	vs.event = 0
}

// settleQuorum works out the quorum and returns the event, or 0.
func (d *Director) settleQuorum(vs *virtualServer) uint64 {
	vs.weigh()
	was := vs.quorum
	vs.quorum = was.next(vs.sum, vs.cfg.Quorum, vs.cfg.Hysteresis)
	if vs.quorum == was {
		return 0
	}
	vs.since = d.now
	var cause uint64 // the last server, or its weight, that went the way of the quorum
	for _, s := range vs.servers {
		switch {
		case s.event != 0 && (s.state == sdk.StateUp) == (vs.quorum == gained):
			cause = s.event
		case s.weighed != 0 && s.state == sdk.StateUp && (s.worth() > s.was) == (vs.quorum == gained):
			cause = s.weighed
		}
	}
	return d.emit(sdk.Event{
		Kind:    "quorum",
		Subject: vs.cfg.Name,
		From:    was.String(),
		To:      vs.quorum.String(),
		Reason:  vs.quorumReason(),
		Cause:   first(cause, vs.event),
	})
}
