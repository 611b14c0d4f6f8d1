package engine

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// A watcher is one call of Watch: what it has not been told.
type watcher struct {
	wake     chan struct{}        // something changed
	snapshot bool                 // everything
	dirty    map[*member]struct{} // whose state has changed
	told     map[*member]counts   // what the last summary of each covered
	pending  []*member            // whose summary is due
}

// reportSize is how many summaries one report has at most.
const reportSize = 1000

// Watch calls report with a snapshot, then with every change of a verdict and, every few seconds, with summaries of the
// targets that were probed since. It returns an error when ctx has ended or the engine is closed. While report takes its
// time changes do not queue up: the next report has the latest state of each target that changed meanwhile.
func (e *Engine) Watch(ctx context.Context, report func(Report)) error {
	w := &watcher{
		wake:     make(chan struct{}, 1),
		snapshot: true,
		dirty:    make(map[*member]struct{}),
		told:     make(map[*member]counts),
	}
	e.mu.Lock()
	for _, m := range e.members {
		w.told[m] = m.group.counts
	}
	e.watchers[w] = struct{}{}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.watchers, w)
		e.mu.Unlock()
	}()

	summaries := time.NewTicker(e.config.Summaries)
	defer summaries.Stop()
	for {
		for {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case e.ctx.Err() != nil:
				return ErrClosed
			}
			r, ok := e.collect(w)
			if !ok {
				break
			}
			report(r)
		}
		select {
		case <-ctx.Done():
		case <-e.ctx.Done():
		case <-w.wake:
		case <-summaries.C:
			e.summarise(w)
		}
	}
}

// changed tells the watchers that the state of m is another.
func (e *Engine) changed(m *member) {
	for w := range e.watchers {
		w.dirty[m] = struct{}{}
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// recount makes m's next summary start with its next group.
func (e *Engine) recount(m *member) {
	for w := range e.watchers {
		delete(w.told, m)
	}
}

// forget takes m, which was removed, from all that the watchers are still to be told.
func (e *Engine) forget(m *member) {
	for w := range e.watchers {
		delete(w.dirty, m)
		delete(w.told, m)
	}
}

// summarise makes the summaries of all targets due.
func (e *Engine) summarise(w *watcher) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w.pending = slices.Grow(w.pending[:0], len(e.members))
	for _, m := range e.members {
		w.pending = append(w.pending, m)
	}
}

// collect returns what the watcher has not been told; false: nothing.
func (e *Engine) collect(w *watcher) (Report, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := Report{Generation: e.generation, Snapshot: w.snapshot}
	if w.snapshot {
		w.snapshot = false
		r.Verdicts = make([]Verdict, 0, len(e.members))
		for _, m := range e.members {
			r.Verdicts = append(r.Verdicts, m.report())
		}
	} else {
		for m := range w.dirty {
			r.Verdicts = append(r.Verdicts, m.report())
		}
	}
	clear(w.dirty)
	slices.SortFunc(r.Verdicts, func(a, b Verdict) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	for len(w.pending) > 0 && len(r.Summaries) < reportSize {
		m := w.pending[0]
		w.pending = w.pending[1:]
		if s, ok := w.summary(m); ok {
			r.Summaries = append(r.Summaries, s)
		}
	}
	return r, r.Snapshot || len(r.Verdicts) > 0 || len(r.Summaries) > 0
}

func (m *member) report() Verdict {
	return Verdict{ID: m.id, State: m.state, Reason: m.reason, Since: m.since, Factor: m.factor}
}

// summary returns what happened to m since its last one; false: nothing did, or m is gone.
func (w *watcher) summary(m *member) (Summary, bool) {
	g := m.group
	if g == nil {
		return Summary{}, false
	}
	last, ok := w.told[m]
	if !ok {
		last = m.base
	}
	now := g.counts
	if now == last {
		return Summary{}, false
	}
	w.told[m] = now
	s := Summary{ID: m.id, Successes: now.successes - last.successes, Failures: now.failures - last.failures,
		Latency: g.latency}
	if s.Failures > 0 {
		s.LastError = g.lastError
	}
	return s, true
}
