package machine

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A cluster is two to five nodes on a simulated network: one link per virtual router, a virtual clock, and everything
// that goes wrong drawn from one seed.
type cluster struct {
	rng     *rand.Rand
	now     time.Duration
	nodes   []*simNode
	routers int // virtual routers
	agenda  agenda
	entered int

	latency, jitter time.Duration // at most
	loss, double    float64
	cut             map[[3]int]bool // virtual router, sender, receiver: nothing passes

	// What is watched.
	strict       bool // two masters only for as long as an advert and its answer travel, never none
	vacant       bool // ... but there may be none
	overlapSince []time.Duration
	changes      int // transitions
	promotions   int
	rivals       int        // that began
	announced    []*simNode // who announced the addresses last: where the hosts of the link send to; nil if that is gone
	tracing      bool
	trace        []string
	failure      string
}

type simNode struct {
	index   int
	name    string
	r       *Router
	configs []Config
	holds   []bool // its addresses are in place
	up      bool
	died    time.Duration
	paused  bool // receives nothing and runs no timer
	deaf    bool // and what is sent to it meanwhile is lost
	inbox   []func()
	due     time.Duration
	wake    time.Duration
	slow    time.Duration // how late its loop may wake up, beyond the usual
}

// An agenda is what happens at a time: a heap, in order of time and then of entry.
type agenda []entry

type entry struct {
	at    time.Duration
	order int
	do    func()
}

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a *agenda) Push(x any) { *a = append(*a, x.(entry)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func (c *cluster) at(t time.Duration, do func()) {
	c.entered++
	heap.Push(&c.agenda, entry{t, c.entered, do})
}

func (c *cluster) log(format string, args ...any) {
	if !c.tracing {
		return
	}
	c.trace = append(c.trace, fmt.Sprintf("%12.6f ", c.now.Seconds())+fmt.Sprintf(format, args...))
}

func (c *cluster) fail(format string, args ...any) {
	if c.failure == "" {
		c.failure = fmt.Sprintf(format, args...)
		c.log("FAILS: %s", c.failure)
	}
}

// run lets time pass until end.
func (c *cluster) run(end time.Duration) {
	for c.failure == "" {
		var next *simNode
		at := end
		for _, n := range c.nodes {
			if n.up && !n.paused && n.wake <= at {
				next, at = n, n.wake
			}
		}
		if len(c.agenda) > 0 && c.agenda[0].at <= at {
			e := heap.Pop(&c.agenda).(entry)
			c.now = max(c.now, e.at)
			e.do()
		} else if next != nil {
			c.now = max(c.now, at)
			c.tick(next)
		} else {
			c.now = end
			return
		}
		c.watch()
	}
}

func (c *cluster) tick(n *simNode) {
	out, _ := n.r.Tick(c.now, nil)
	c.carryOut(n, out)
	if next, ok := n.r.Next(); ok && next <= c.now {
		c.fail("%s: after Tick the next timer is %v in the past", n.name, c.now-next)
	}
}

// carryOut does what a node asks for, and checks that it asks in the right order.
func (c *cluster) carryOut(n *simNode, actions []Action) {
	leaving := map[string]bool{}
	for _, a := range actions {
		vr := int(a.Instance.config.VRID) - 1
		if routine := len(actions) == 1 && a.Kind == SendAdvert; c.tracing && !routine {
			c.log("%s %s", n.name, tell(a))
		}
		switch a.Kind {
		case SendAdvert:
			leaving[a.Instance.Name()] = a.Priority == 0
			c.send(n, vr, Advert{a.Instance.config.Address, a.Priority, a.Instance.config.AdvertInterval})
		case AddAddresses, RemoveAddresses:
			if n.holds[vr] && a.Kind == AddAddresses && !a.Instance.config.Resume {
				c.fail("%s: addresses are added twice", n.name)
			}
			if !n.holds[vr] && a.Kind == RemoveAddresses {
				c.fail("%s: addresses are removed that are not there", n.name)
			}
			n.holds[vr] = a.Kind == AddAddresses
		case Announce:
			c.announced[vr] = n
		case Rival:
			if a.Begins {
				c.rivals++
			}
		case Transition:
			c.changes++
			if a.From == Master && leaving[a.Instance.Name()] {
				c.forget(n, vr)
			}
			if a.To == Master {
				c.promotions++
			}
			if a.From == Master && a.To != Backup && !leaving[a.Instance.Name()] {
				c.fail("%s: left without priority 0", n.name)
			}
		}
	}
	for vr, in := range n.r.Instances() {
		if (in.State() == Master) != n.holds[vr] {
			c.fail("%s: in %v, and its addresses in place: %v", n.name, in.State(), n.holds[vr])
		}
	}
	c.rearm(n)
}

// forget is what hosts do when the one that they send to answers no more.
func (c *cluster) forget(n *simNode, vr int) {
	if c.announced[vr] == n {
		c.announced[vr] = nil
	}
}

// rearm notes when the node's loop will wake up: never early, a little late. A node whose timer did not move sleeps on.
func (c *cluster) rearm(n *simNode) {
	next, ok := n.r.Next()
	if !ok {
		next = never
	}
	if next != n.due || n.wake < c.now {
		n.due, n.wake = next, never
		if ok {
			n.wake = max(c.now, next) + c.upTo(c.jitter+n.slow)
		}
	}
}

func (c *cluster) upTo(d time.Duration) time.Duration {
	return time.Duration(c.rng.Int64N(int64(d) + 1))
}

// send lets an advert travel to all others of the link.
func (c *cluster) send(from *simNode, vr int, a Advert) {
	for _, to := range c.nodes {
		copies := 1
		if c.rng.Float64() < c.double {
			copies++
		}
		for range copies {
			if to != from && !c.cut[[3]int{vr, from.index, to.index}] && c.rng.Float64() >= c.loss {
				c.at(c.now+1+c.upTo(c.latency), func() { c.arrive(to, vr, a) })
			}
		}
	}
}

func (c *cluster) arrive(n *simNode, vr int, a Advert) {
	switch {
	case !n.up, n.paused && (n.deaf || len(n.inbox) > 64):
	case n.paused:
		n.inbox = append(n.inbox, func() { c.arrive(n, vr, a) })
	default:
		out := n.r.Advert(c.now, n.r.Instances()[vr], a, nil)
		if len(out) > 0 || a.Priority == 0 {
			c.log("%s hears %d from %v", n.name, a.Priority, a.Source)
		}
		c.carryOut(n, out)
	}
}

// resume ends a pause: what waits in the socket is read before the timers run.
func (c *cluster) resume(n *simNode) {
	if !n.up || !n.paused {
		return
	}
	c.log("%s goes on", n.name)
	n.paused = false
	waiting := n.inbox
	n.inbox = nil
	for _, deliver := range waiting {
		deliver()
	}
	c.tick(n)
}

// watch counts the masters of each virtual router.
func (c *cluster) watch() {
	for vr := range c.routers {
		masters := c.masters(vr)
		if c.strict && !c.vacant && len(masters) == 0 {
			c.fail("virtual router %d has no master", vr+1)
		}
		if len(masters) < 2 {
			c.overlapSince[vr] = never
			continue
		}
		c.overlapSince[vr] = min(c.overlapSince[vr], c.now)
		// The one that should yield does so when the other's first advert, or the answer to its own, arrives.
		if allowed := 2*(c.latency+1) + c.jitter; c.strict && c.now-c.overlapSince[vr] > allowed {
			c.fail("virtual router %d has the masters %s for longer than %v", vr+1, strings.Join(masters, " and "), allowed)
		}
	}
}

func (c *cluster) masters(vr int) []string {
	var names []string
	for _, n := range c.nodes {
		if n.up && n.r.Instances()[vr].State() == Master {
			names = append(names, n.name)
		}
	}
	return names
}
