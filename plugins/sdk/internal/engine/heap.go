package engine

// A heap has groups by the moment at which there is something to do with them, the earliest first.
type heap []*group

// put adds g, or moves it to its place after g.at changed.
func (h *heap) put(g *group) {
	if g.in == 0 {
		*h = append(*h, g)
		g.in = len(*h)
	}
	if !h.up(g.in - 1) {
		h.down(g.in - 1)
	}
}

// remove takes g out, wherever it is.
func (h *heap) remove(g *group) {
	i, last := g.in-1, len(*h)-1
	if i != last {
		h.swap(i, last)
	}
	(*h)[last] = nil
	*h = (*h)[:last]
	g.in = 0
	if i != last && !h.up(i) {
		h.down(i)
	}
}

func (h heap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].in, h[j].in = i+1, j+1
}

// up moves the element towards the root, and says whether it moved.
func (h heap) up(i int) bool {
	moved := false
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= h[i].at {
			break
		}
		h.swap(i, parent)
		i, moved = parent, true
	}
	return moved
}

// down moves the element away from the root.
func (h heap) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].at < h[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

// A queue has groups whose probes are due, in that order, linked through them.
type queue struct{ first, last *group }

// push adds g at the end.
func (q *queue) push(g *group) {
	g.before, g.after = q.last, nil
	if q.last == nil {
		q.first = g
	} else {
		q.last.after = g
	}
	q.last = g
}

// pop takes the first one out; nil when there is none.
func (q *queue) pop() *group {
	g := q.first
	if g != nil {
		q.remove(g)
	}
	return g
}

// remove takes g out, wherever it is.
func (q *queue) remove(g *group) {
	if g.before == nil {
		q.first = g.after
	} else {
		g.before.after = g.after
	}
	if g.after == nil {
		q.last = g.before
	} else {
		g.after.before = g.before
	}
	g.before, g.after = nil, nil
}
