package engine

import "slices"

// A Starter probes without a goroutine for each probe. The engine calls its methods one at a time and with its lock held:
// they return soon, and call nothing of the engine's. It has the time-outs in its own schedule, so that a Starter has no
// timers.
type Starter interface {
	// Takes says whether a target is probed by Start; the others are by Config.Probe.
	Takes(t *Target) bool
	// Start begins the probe n of a target. n is at least 0, small, and that of another probe once this one has ended.
	Start(n int, t *Target)
	// Stop gives up the probe n, whose time is over, or whose target is gone. It returns the reason for the former.
	Stop(n int) error
	// Ended calls over with each probe that has ended and was not stopped, and how: nil is up. It is called after some were
	// begun, and after each Wait.
	Ended(over func(n int, err error))
	// Wait returns true when probes that took their time may have ended, and false once the Starter is closed. It alone is
	// called beside the other methods, and without a lock.
	Wait() bool
}

const (
	// together is how many probes are started before it is looked whether they have ended: fewer would be looked at too
	// soon, and more wait for each other, which counts as their latency.
	together = 8
	// atATime is how many are started before the schedule looks at the clock, and others get the lock.
	atATime = 256
)

// begin begins g's probe, which its Starter takes.
func (e *Engine) begin(g *group) {
	n := len(e.started)
	if free := len(e.free); free > 0 {
		n, e.free = e.free[free-1], e.free[:free-1]
		e.started[n] = g
	} else {
		e.started = append(e.started, g)
	}
	g.number, g.status = n, running
	g.began, g.lost = e.now(), e.lost
	e.at(g, g.began+moment(g.target.Timeout))
	e.workers.busy++
	e.config.Starter.Start(n, &g.target)
}

// settle counts what has become of the probes that were started and have ended.
func (e *Engine) settle() {
	e.config.Starter.Ended(func(n int, err error) {
		g := e.release(n)
		e.done(g, Weight{}, err, e.now())
	})
}

// giveUp ends g's probe, which was started, because its time is over.
func (e *Engine) giveUp(g *group, now moment) {
	err := e.config.Starter.Stop(g.number)
	e.release(g.number)
	e.done(g, Weight{}, err, now)
}

// release makes the number of a probe that has ended that of another, and returns whose it was.
func (e *Engine) release(n int) *group {
	g := e.started[n]
	e.started[n] = nil
	e.free = append(e.free, n)
	e.workers.busy--
	e.workers.checkQuiet()
	return g
}

// await counts what becomes of probes that take their time, until the Starter is closed.
func (e *Engine) await() {
	for e.config.Starter.Wait() {
		e.mu.Lock()
		if !e.closed {
			e.settle()
		}
		e.mu.Unlock()
	}
}

// stopAll gives up all probes that were started: the engine is being closed.
func (e *Engine) stopAll() {
	for n, g := range slices.Clone(e.started) {
		if g != nil {
			_ = e.config.Starter.Stop(n)
			e.release(n)
			g.status = waiting
			e.heap.remove(g)
		}
	}
}
