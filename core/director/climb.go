package director

import (
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Slow start: a real server that comes back, or that a reload has added, climbs to its weight over a time, in steps, so that
// its caches fill before the crowd comes. It has that part of what it is worth which has passed of the time, at least 1.
// Steps are made by ticks, at most one a second however many servers climb. The quorum counts what a server will have: a
// climb that is slow must not keep the sorry server in.
//
// Of the steps only the first and the last are events.

// climbStep is the least time between two steps.
const climbStep = time.Second

// climbs says whether the server is on its way up.
func (s *realServer) climbs() bool { return !s.began.IsZero() && s.mayClimb() }

// mayClimb says whether the server is one that climbs. Under mh every changed weight sends most clients elsewhere.
func (s *realServer) mayClimb() bool { return s.cfg.SlowStart > 0 && s.vs.cfg.Scheduler != "mh" }

// share returns the weight that a server gets while it is up: of what it is worth, the part that it has climbed to.
func (s *realServer) share() uint32 {
	w := s.worth()
	if w == 0 || !s.climbs() || s.risen >= s.cfg.SlowStart {
		return w
	}
	return uint32(max(uint64(w)*uint64(s.risen.Milliseconds())/uint64(s.cfg.SlowStart.Milliseconds()), 1))
}

// beginClimb sends a server on its way up.
func (d *Director) beginClimb(s *realServer, risen time.Duration) {
	s.began, s.risen, s.climbEvent = d.now.Add(-risen), risen, 0
	if !d.climbing {
		d.climbing, d.stepped = true, d.now
	}
}

// resume lets a server that the kernel held at a part of its worth go on with its climb after a restart.
func (d *Director) resume(s *realServer) {
	full := s.worth()
	if s.state != sdk.StateUp || s.heldWeight == 0 || s.heldWeight >= full || !s.mayClimb() {
		return
	}
	whole := uint64(s.cfg.SlowStart.Milliseconds())
	risen := (whole*uint64(s.heldWeight) + uint64(full) - 1) / uint64(full) // the least that gives this weight
	d.beginClimb(s, time.Duration(risen)*time.Millisecond)
}

// stepUp makes the next step of all servers that climb, if it is time.
func (d *Director) stepUp(u *sdk.TableUpdate) {
	if !d.climbing || d.now.Before(d.stepped.Add(climbStep)) {
		return
	}
	d.climbing, d.stepped = false, d.now
	for _, vs := range d.virtualServers {
		moving := false
		for _, s := range vs.servers {
			if !s.climbs() {
				continue
			}
			moving = true
			s.risen = d.now.Sub(s.began)
			s.arrived = s.risen >= s.cfg.SlowStart
			if s.arrived {
				s.began = time.Time{}
			} else {
				d.climbing = true
			}
		}
		if moving {
			d.settle(vs, func(was, is slot) { record(u, vs.service.Key, was, is) })
		}
	}
}

// silent says whether a server's changed weight is a step of its climb that is no event.
func (s *realServer) silent(weight uint32, quorumEvent uint64) bool {
	return s.climbs() && !s.arrived && s.state == sdk.StateUp && weight > 0 && s.weight > 0 &&
		s.event == 0 && s.weighed == 0 && quorumEvent == 0 && s.vs.event == 0
}
