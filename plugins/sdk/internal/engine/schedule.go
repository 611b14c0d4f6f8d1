package engine

import (
	"fmt"
	"time"
)

// grace is how long after its time-out a probe may take to return before it is left behind.
const grace = moment(100 * time.Millisecond)

// schedule is the goroutine that starts what is due.
func (e *Engine) schedule() {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		t.Reset(e.dispatch())
		select {
		case <-e.ctx.Done():
			return
		case <-e.wake:
		case <-t.C:
		}
	}
}

// dispatch does everything that is due, and returns how long to sleep then.
func (e *Engine) dispatch() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	e.lost += e.overdue(now)
	if e.closed {
		return time.Hour
	}
	e.sleeping = 0 // nobody need wake this goroutine
	begun := 0
	for len(e.heap) > 0 && e.heap[0].at <= now && begun < atATime {
		g := e.heap[0]
		e.do(g, now)
		if g.light && g.status == running {
			if begun++; begun%together == 0 {
				e.settle()
			}
		}
	}
	if begun%together > 0 {
		e.settle()
	}
	e.sleeping = never
	if len(e.heap) > 0 {
		e.sleeping = max(ceil(e.heap[0].at, e.tick), now) // now: more was due than is begun at a time
	}
	if e.workers.busy > e.workers.stuck {
		e.sleeping = min(e.sleeping, now+pulse)
	}
	return time.Duration(min(e.sleeping-now, moment(time.Hour)))
}

// do does what is to be done with g, which is due in the heap.
func (e *Engine) do(g *group, now moment) {
	switch g.status {
	case waiting:
		if g.at < g.due && now-g.at > slack {
			e.at(g, g.due)
			return
		}
		g.due = min(g.due, g.at)
		if g.light {
			e.begin(g)
			return
		}
		e.heap.remove(g)
		g.status = queued
		e.ready.push(g)
		e.hire()
	case running:
		if g.light {
			e.giveUp(g, now)
			return
		}
		g.status = stuck
		e.workers.stuck++
		e.hire()
		if !e.doubts(g, now) {
			e.record(g, false, timedOut(g.target.Timeout), Weight{}, g.target.Timeout)
		}
		e.later(g, now)
	case stuck:
		busy := time.Duration(now - g.began)
		e.record(g, false, fmt.Sprintf("the probe is still busy after %s", busy.Round(time.Millisecond)), Weight{}, busy)
		e.later(g, now)
	}
}

// again puts g where its next probe is due.
func (e *Engine) again(g *group, now moment) {
	g.due = next(&g.target, g.due, g.phase, now, g.contradicted())
	if g.hasty {
		g.due = min(g.due, g.soonest(now))
	}
	g.hasty = false
	e.at(g, g.due)
}

// breath is the least time between the beginnings of two probes of which the second was not yet due.
const breath = moment(100 * time.Millisecond)

// soonest returns when a probe of g may begin that is not yet due.
func (g *group) soonest(now moment) moment { return max(now, g.began+breath) }

// Hasten probes a target now, without waiting until that is due: something has happened to it. While it is being probed,
// it is probed again after that; and however often it is called, ten times a second at most.
func (e *Engine) Hasten(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.members[id]
	if m == nil || e.closed {
		return
	}
	switch g := m.group; g.status {
	case waiting:
		if due := g.soonest(e.now()); due < g.due {
			g.due = due
			e.at(g, due)
		}
	case running:
		g.hasty = true
	}
}

// later puts g, whose probe does not end, where that is another failure: a whole interval from now, or retry interval,
// also if the probe took longer than that already. It gets the time to end that its successor would have had to begin.
func (e *Engine) later(g *group, now moment) {
	g.due = next(&g.target, now, now, now, g.contradicted())
	e.at(g, g.due)
}

// at puts g into the heap, and wakes the schedule if it sleeps for longer.
func (e *Engine) at(g *group, m moment) {
	g.at = m
	e.heap.put(g)
	e.wakeAt(ceil(m, e.tick))
}

// wakeAt wakes the schedule if it sleeps for longer than until then.
func (e *Engine) wakeAt(m moment) {
	if m >= e.sleeping {
		return
	}
	e.sleeping = m
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// timedOut is the reason of a probe that took too long.
func timedOut(timeout time.Duration) string { return "timeout after " + timeout.String() }
