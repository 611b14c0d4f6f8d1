package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// workers are the goroutines that probe. They are made when all others are busy, and a few stay.
type workers struct {
	count int // all of them
	idle  int // those that wait for wake
	busy  int // those that probe
	stuck int // of the busy ones, those whose probe did not end in time
	wake  sync.Cond
	quiet chan struct{} // after Close: closed when none probes any more
}

// checkQuiet tells Close, if it waits, that no probe runs any more.
func (w *workers) checkQuiet() {
	if w.quiet != nil && w.busy == 0 {
		select {
		case <-w.quiet:
		default:
			close(w.quiet)
		}
	}
}

// hire finds a worker for what is in the queue. Stuck workers do not count, up to a number.
func (e *Engine) hire() {
	w := &e.workers
	switch {
	case e.ready.first == nil || e.closed:
	case w.idle > 0:
		w.idle--
		w.wake.Signal()
	case e.room() > 0:
		w.count++
		go e.work()
	}
}

// room returns how many more workers there may be; negative when stuck ones have returned to work.
func (e *Engine) room() int {
	return e.config.Concurrency - (e.workers.count - min(e.workers.stuck, e.config.Concurrency))
}

// keepIdle is how many workers stay when there is nothing to do.
const keepIdle = 64

// work is a worker: it probes what is in the queue.
func (e *Engine) work() {
	e.mu.Lock()
	defer func() { // also when a probe has ended the goroutine
		e.workers.count--
		e.hire()
		e.mu.Unlock()
	}()
	for !e.closed && e.room() >= 0 {
		if g := e.ready.pop(); g != nil {
			e.probe(g)
			continue
		}
		if e.workers.idle >= keepIdle {
			return
		}
		e.workers.idle++
		e.workers.wake.Wait()
	}
}

// probe probes g and counts the result. It is called with the lock held, and returns with it.
func (e *Engine) probe(g *group) {
	g.began, g.lost = e.now(), e.lost
	g.status = running
	e.at(g, g.began+moment(g.target.Timeout)+grace)
	ctx, cancel := context.WithTimeout(e.ctx, g.target.Timeout)
	g.cancel = cancel
	t := g.target
	t.ID, t.Initial, t.Factor = g.members[0].id, g.members[0].state, g.members[0].factor
	e.workers.busy++
	e.wakeAt(g.began + pulse)
	e.mu.Unlock()

	var w Weight
	err := errEnded
	defer func() {
		cancel()
		now := e.now()
		e.mu.Lock()
		e.workers.busy--
		e.workers.checkQuiet()
		e.done(g, w, err, now)
	}()
	w, err = e.call(ctx, t)
}

// errEnded is the result of a probe that neither returned nor panicked.
var errEnded = errors.New("the probe ended its goroutine")

// call calls the probe. A panic is an error.
func (e *Engine) call(ctx context.Context, t Target) (w Weight, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the probe panicked: %v", p)
		}
	}()
	return e.config.Probe(ctx, t)
}

// done counts the result of g's probe, unless it has been counted as failed already.
func (e *Engine) done(g *group, w Weight, err error, now moment) {
	g.cancel = nil
	if g.status == stuck {
		e.workers.stuck--
		g.status = waiting
		if g.in == 0 { // dropped, and not come back
			delete(e.groups, g.key)
		}
		return
	}
	g.status = waiting
	if e.closed {
		return
	}
	latency := time.Duration(now - g.began)
	reason := outcome(err, latency, g.target.Timeout)
	if reason != "" && (latency >= g.target.Timeout && e.doubts(g, now) || ours(err) && g.doubt()) {
		g.due = next(&g.target, g.due, g.phase, now, true)
		e.at(g, g.due)
		return
	}
	if w.Reason != "" {
		w.Reason = line(w.Reason)
	}
	e.record(g, reason == "", reason, w, latency)
	e.again(g, now)
}

// outcome returns the reason why a probe has failed; empty: it has not.
func outcome(err error, latency, timeout time.Duration) string {
	switch {
	case err == nil && latency <= timeout:
		return ""
	case err == nil, err == context.DeadlineExceeded:
		return timedOut(timeout)
	}
	return Reason(err)
}

// onceAtATime is how many calls of Probe may be under way.
const onceAtATime = 64

// Probe probes a target once, now, beside the schedule. It returns nil when the target is up, and otherwise an error whose
// text is the reason, as in a verdict. It returns when ctx or the target's time-out ends, also if the probe does not.
func (e *Engine) Probe(ctx context.Context, t Target) error {
	t = t.normal()
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	select {
	case e.once <- struct{}{}:
	case <-ctx.Done():
		return errors.New("too many probes at once")
	case <-e.ctx.Done():
		return ErrClosed
	}
	start := time.Now()
	result := make(chan error, 1)
	go func() {
		err := errEnded
		defer func() { <-e.once; result <- err }()
		_, err = e.call(ctx, t)
	}()
	var err error
	select {
	case err = <-result:
	case <-ctx.Done():
		select {
		case err = <-result:
		case <-time.After(time.Duration(grace)):
			err = ctx.Err()
		}
	case <-e.ctx.Done():
		return ErrClosed
	}
	if reason := outcome(err, time.Since(start), t.Timeout); reason != "" {
		return errors.New(reason)
	}
	return nil
}
