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

// A verdict is a state, why, and since when.
type verdict struct {
	state  State
	reason string
	since  time.Time
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

// take changes the verdict as the results in a row of g demand, and says whether they do.
func (v *verdict) take(g *group) bool {
	s := step(v.state, g.run, g.target.Fall, g.target.Rise)
	if s == v.state {
		return false
	}
	*v = verdict{state: s, since: time.Now()}
	if s == StateDown {
		v.reason = g.lastError
	}
	return true
}

// record counts a result of the group's probe and changes the verdicts of its members. An up result has no reason.
func (e *Engine) record(g *group, up bool, reason string, latency time.Duration) {
	g.run.add(up)
	g.latency = latency
	if up {
		g.counts.successes++
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
