package engine

// Apply says what to probe: with full these targets and no others, otherwise these in addition to or in place of those with
// the same IDs, without those that are removed. It returns before anything was probed.
//
// A target that is as it was keeps its verdict, its counts and its phase; only its Initial and Factor may differ, and when
// these are not the verdict, the watchers are told it again. A target that changed starts anew with its Initial, and so does a
// new one, unless an identical one is there already. Nothing is reported of a removed target in any report with this
// generation or a later one, and the probe that may run is cancelled.
func (e *Engine) Apply(generation uint64, full bool, targets []Target, removed []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.generation = generation

	var fresh, left []*group
	named := make(map[string]bool, len(targets))
	for _, t := range targets {
		t = t.normal()
		named[t.ID] = true
		k := t.key()
		m := e.members[t.ID]
		if m != nil && m.group.key == k {
			if t.Initial != StateUnknown && t.initial() != m.opinion {
				e.changed(m)
			}
			continue
		}
		before := t.initial()
		if m == nil {
			m = &member{id: t.ID}
			e.members[t.ID] = m
		} else {
			before = m.opinion
			left = append(left, m.group)
			m.group.leave(m)
			e.recount(m)
		}
		g := e.groups[k]
		switch {
		case g == nil:
			t.Config = []byte(k.config)
			g = &group{target: t, key: k, light: e.config.Starter != nil && e.config.Starter.Takes(&t)}
			e.groups[k] = g
			fresh = append(fresh, g)
		case g.gone():
			g.forget()
			fresh = append(fresh, g)
		}
		g.join(m, t.initial())
		if m.opinion != before || m.opinion != t.initial() {
			e.changed(m)
		}
	}

	remove := func(m *member) {
		left = append(left, m.group)
		m.group.leave(m)
		delete(e.members, m.id)
		e.forget(m)
	}
	if full {
		for id, m := range e.members {
			if !named[id] {
				remove(m)
			}
		}
	} else {
		for _, id := range removed {
			if m := e.members[id]; m != nil && !named[id] {
				remove(m)
			}
		}
	}
	for _, g := range left {
		if len(g.members) == 0 {
			e.drop(g)
		}
	}
	e.setTick()
	e.spread(fresh)
}

// spread gives new groups their phases and first probes: where their targets say over what time, spread over that; otherwise
// at their phases, or before that where nothing is known of them.
func (e *Engine) spread(groups []*group) {
	n := 0
	for _, g := range groups {
		if len(g.members) > 0 {
			groups[n] = g
			n++
		}
	}
	now := e.now()
	unknown := 0
	for i, g := range groups[:n] {
		g.phase = now + moment(phase(i, n, g.target.Interval))
		g.due = g.phase
		soon := g.due
		if spread := g.target.Spread; spread > 0 {
			soon = now + moment(phase(i, n, spread))
			g.due = max(g.due, soon)
		} else if g.state == StateUnknown {
			soon = min(soon, now+moment(first(unknown)))
			unknown++
		}
		if g.status == stuck { // revived: its former probe was cancelled and is about to end
			g.due, soon = max(g.due, now+grace), max(soon, now+grace)
		}
		e.at(g, soon)
	}
}

// gone says whether the group has been dropped, and is only here because its last probe has not returned.
func (g *group) gone() bool { return g.in == 0 && (g.status == running || g.status == stuck) }

// drop ends a group without members. While its probe runs it stays known, so that a target which comes back is not probed
// a second time meanwhile.
func (e *Engine) drop(g *group) {
	switch g.status {
	case waiting:
		if g.in > 0 { // not dropped before it began
			e.heap.remove(g)
		}
		delete(e.groups, g.key)
	case queued:
		e.ready.remove(g)
		g.status = waiting
		delete(e.groups, g.key)
	case running:
		if g.light {
			_ = e.config.Starter.Stop(g.number)
			e.release(g.number)
			e.heap.remove(g)
			delete(e.groups, g.key)
			g.status = waiting
			return
		}
		g.status = stuck
		e.workers.stuck++
		e.heap.remove(g)
		g.cancel()
	case stuck:
		if g.in > 0 {
			e.heap.remove(g)
		}
		g.cancel()
	}
}

// forget makes a dropped group that comes back as good as new.
func (g *group) forget() {
	g.verdict, g.run, g.counts = verdict{}, run{}, counts{}
	g.weight, g.latency, g.lastError, g.hasty = Weight{}, 0, "", false
	g.doubts = 0
}
