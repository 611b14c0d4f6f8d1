package engine

import "time"

// A member is one target of the core: a name for a group, with a verdict of its own. Members of one group see the same
// results; their verdicts differ only as long as their initial ones did.
type member struct {
	id    string
	group *group // nil: removed
	base  counts // of the group when it joined
	verdict
}

// A verdict is what is thought of a target, why, and since when it is in its state.
type verdict struct {
	opinion
	reason string
	since  time.Time
}

// An opinion is what counts of a verdict: when it changes, the watchers are told.
type opinion struct {
	state  State
	factor Factor // while up
}

// counts are results.
type counts struct{ successes, failures uint64 }

// A run is how many results in a row were the same.
type run struct {
	up    bool
	count int
}

// add counts a result.
func (r *run) add(up bool) {
	if up != r.up {
		*r = run{up: up}
	}
	r.count++
}

// step returns the verdict that follows s after the run r: the first result decides an unknown one, Fall failures in a
// row take an up one down, Rise successes in a row take a down one up.
func step(s State, r run, fall, rise int) State {
	switch {
	case r.count == 0:
		return s
	case s == StateUnknown && r.up:
		return StateUp
	case s == StateUnknown:
		return StateDown
	case s == StateUp && !r.up && r.count >= fall:
		return StateDown
	case s == StateDown && r.up && r.count >= rise:
		return StateUp
	}
	return s
}

// contradicts says whether the last result of the run speaks against the verdict.
func (v *verdict) contradicts(r run) bool {
	return v.state == StateUp && !r.up || v.state == StateDown && r.up
}

// take changes the verdict as the results in a row of g demand, and says whether they do. A weight is no failure: that of
// an up target is taken at once, and only its factor counts, so that a reason in other words makes no change.
func (v *verdict) take(g *group) bool {
	s := step(v.state, g.run, g.target.Fall, g.target.Rise)
	next := verdict{opinion: opinion{s, v.factor}, reason: v.reason, since: v.since}
	if s != v.state {
		next = verdict{opinion: opinion{state: s}, since: time.Now()}
	}
	switch {
	case s == StateDown && v.state != StateDown:
		next.reason = g.lastError
	case s == StateUp && g.run.up && (v.state != StateUp || v.factor != g.weight.Factor):
		next.factor, next.reason = g.weight.Factor, g.weight.Reason
	}
	changed := next.opinion != v.opinion
	*v = next
	return changed
}

// record counts a result of the group's probe and changes the verdicts of its members. An up result has no reason, and may
// have a weight.
func (e *Engine) record(g *group, up bool, reason string, w Weight, latency time.Duration) {
	g.run.add(up)
	g.doubts = 0
	g.latency = latency
	if up {
		g.counts.successes++
		g.weight = w
	} else {
		g.counts.failures++
		g.lastError = reason
	}
	g.take(g)
	for _, m := range g.members {
		if m.take(g) {
			e.changed(m)
		}
	}
}

// contradicted says whether the last result speaks against the verdict of one of the members.
func (g *group) contradicted() bool {
	for _, m := range g.members {
		if m.contradicts(g.run) {
			return true
		}
	}
	return false
}
