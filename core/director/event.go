package director

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// emit adds an event to those of the step and returns its ID.
func (d *Director) emit(e sdk.Event) uint64 {
	e.ID, e.Time = d.nextEvent, d.now
	d.nextEvent++
	d.events = append(d.events, e)
	return e.ID
}

// first returns the first ID that is one.
func first(ids ...uint64) uint64 {
	for _, id := range ids {
		if id != 0 {
			return id
		}
	}
	return 0
}

// emitVerdict says that a check says something else: of the state, or of the weight of a target that is up all the while.
func (d *Director) emitVerdict(t *target) {
	e := sdk.Event{Kind: "check", Subject: t.spec.ID, From: t.before.State.String(), To: t.verdict.State.String(), Reason: t.verdict.Reason}
	if t.before.State != t.verdict.State {
		t.event = d.emit(e)
		return
	}
	e.Kind, e.From, e.To = "factor", saidBy(t.before.Factor), saidBy(t.verdict.Factor)
	t.weighed = d.emit(e)
}

// saidBy is a factor in an event.
func saidBy(f sdk.Factor) string {
	if f == 0 {
		return "none"
	}
	return f.String()
}

// emitConfig says what a reload did to a block.
func (d *Director) emitConfig(subject, to, reason string) uint64 {
	return d.emit(sdk.Event{Kind: "config", Subject: subject, To: to, Reason: reason})
}

// emitSorry says that clients are sent to a sorry server, or no longer.
func (d *Director) emitSorry(vs *virtualServer, sorry *sorryServer, reason string, cause uint64) {
	e := sdk.Event{
		Kind:    "sorry_server",
		Subject: vs.cfg.Name + "/" + netip.AddrPortFrom(sorry.dest.Address, sorry.dest.Port).String(),
		From:    "in",
		To:      "out",
		Reason:  reason,
		Cause:   cause,
	}
	if sorry.in {
		e.From, e.To = e.To, e.From
	}
	d.emit(e)
}

// emitWeight says that a server gets another share of the traffic, because of itself or because of the quorum.
func (d *Director) emitWeight(s *realServer, weight uint32, inTable bool, quorumEvent uint64) uint64 {
	vs := s.vs
	e := sdk.Event{
		Kind:    "weight",
		Subject: s.subject,
		From:    strconv.FormatUint(uint64(s.weight), 10),
		To:      strconv.FormatUint(uint64(weight), 10),
	}
	byQuorum := quorumEvent != 0 && vs.sorry != nil
	byFactor := s.state == sdk.StateUp && weight == s.share() && s.weighed != 0
	switch {
	case s.state == sdk.StateDown:
		e.Reason = "the real server is down: " + s.reason
		e.Cause = first(s.event, quorumEvent, vs.event)
	case byFactor && s.event == 0:
		e.Reason = s.weighReason()
		e.Cause = s.weighed
	case s.arrived && quorumEvent == 0 && s.event == 0:
		e.Reason = "its slow start is over"
		e.Cause = s.climbEvent
	case byQuorum:
		e.Reason = "the quorum is " + vs.quorum.String()
		e.Cause = quorumEvent
	case s.event != 0:
		e.Reason = "the real server is " + s.state.String()
		if s.state == sdk.StateUp && weight == s.worth() && weight != s.cfg.Weight {
			e.Reason += ", " + s.weighReason()
		}
		e.Cause = s.event
	default:
		e.Reason = "the configuration has changed"
		e.Cause = vs.event
	}
	if !inTable {
		e.Reason += "; it is out of the table"
	}
	if s.climbs() && weight > 0 {
		e.Reason += fmt.Sprintf(", and climbs to %d within %s", s.worth(), s.cfg.SlowStart)
	}
	return d.emit(e)
}
