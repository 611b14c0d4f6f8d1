package engine

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// A key is what identical targets have in common: everything but ID, Initial and Factor.
type key struct {
	address                  netip.Addr
	port                     uint16
	interval, timeout, retry time.Duration
	fall, rise               int
	spread                   time.Duration
	egress                   Egress
	config                   string
}

func (t *Target) key() key {
	return key{t.Address, t.Port, t.Interval, t.Timeout, t.Retry, t.Fall, t.Rise, t.Spread, t.Egress, string(t.Config)}
}

// The longest durations that are told apart: sums of them do not overflow.
const longest = 10 * 365 * 24 * time.Hour

// normal returns the target with numbers that make sense.
func (t Target) normal() Target {
	t.Interval = min(max(t.Interval, time.Millisecond), longest)
	if t.Timeout <= 0 {
		t.Timeout = t.Interval
	}
	t.Timeout = min(t.Timeout, longest)
	t.Retry = min(max(t.Retry, 0), longest)
	if t.Retry > 0 {
		t.Retry = max(t.Retry, time.Millisecond)
	}
	t.Fall, t.Rise = max(t.Fall, 1), max(t.Rise, 1)
	t.Spread = min(max(t.Spread, 0), longest)
	if t.Initial > StateDown {
		t.Initial = StateUnknown
	}
	if t.Initial != StateUp {
		t.Factor = 0
	}
	return t
}

// initial returns the verdict that the core holds.
func (t *Target) initial() opinion { return opinion{t.Initial, t.Factor} }

// A status is where a group is on its way from one probe to the next.
type status uint8

const (
	waiting status = iota // in the heap, until its probe is due
	queued                // in the queue, until a worker is free
	running               // being probed; in the heap, until the probe should have ended
	stuck                 // the probe did not end in time; in the heap, until another would be due
)

// A group is a set of identical targets, probed once for all of them.
type group struct {
	target  Target
	key     key
	members []*member // none: on its way out, see drop
	verdict           // the group's own, for members that come without one

	status status
	phase  moment
	due    moment             // of the probe that is waited for or runs
	began  moment             // of the probe that runs
	lost   moment             // Engine.lost when it began
	doubts int                // results in a row that did not count
	cancel context.CancelFunc // nil: nothing runs that could be cancelled
	light  bool               // whether it is probed by the Starter
	number int                // of the probe that the Starter has begun
	hasty  bool               // something says that the next probe would see another thing
	in     int                // in the heap, from 1; 0: not
	at     moment             // in the heap: when there is something to do; before due for a first probe that need not wait for its phase

	before, after *group // in the queue

	run       run
	weight    Weight // that the last successful probe said
	counts    counts
	latency   time.Duration
	lastError string
}

// join makes m a member. The group's verdict is m's too, unless the core held another one: then m keeps that until the
// results in a row speak against it.
func (g *group) join(m *member, initial opinion) {
	if g.state == StateUnknown {
		g.opinion = initial
	}
	m.group, m.base = g, g.counts
	m.verdict = verdict{opinion: initial}
	if initial.state == StateUnknown {
		m.verdict = g.verdict
	}
	m.take(g)
	g.members = append(g.members, m)
}

// leave ends the membership of m.
func (g *group) leave(m *member) {
	g.members = slices.DeleteFunc(g.members, func(o *member) bool { return o == m })
	m.group = nil
}
