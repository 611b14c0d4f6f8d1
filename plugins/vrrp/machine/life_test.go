package machine

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// A drawing is what the seed decides on the whole cluster, and the times that follow from it.
type drawing struct {
	version         uint8
	grouped, eager  bool // eager: every node preempts
	longest         time.Duration
	shortest        time.Duration
	startup, yields time.Duration // the longest start-up and preempt delays
}

// draw makes a cluster. Intervals differ between nodes only in version 3, by at most 5.
func draw(seed uint64) (*cluster, drawing) {
	rng := rand.New(rand.NewPCG(seed, 3768))
	pick := func(of ...time.Duration) time.Duration { return of[rng.IntN(len(of))] }
	d := drawing{version: 2 + uint8(rng.IntN(2)), grouped: rng.IntN(2) == 0, eager: rng.IntN(2) == 0}
	interval, spread := pick(time.Second, 2*time.Second), []time.Duration{1}
	if d.version == 3 {
		interval = pick(10*time.Millisecond, 100*time.Millisecond, time.Second)
		if rng.IntN(4) == 0 {
			spread = []time.Duration{1, 2, 5}
		}
	}
	c := &cluster{rng: rng, routers: 1 + rng.IntN(3), cut: map[[3]int]bool{}, now: time.Hour}
	c.overlapSince, c.announced = make([]time.Duration, c.routers), make([]*simNode, c.routers)
	count := 2 + rng.IntN(4)
	priorities := [][]uint8{{50, 100, 150, 200, 250}, {100, 100, 100, 100, 100}, {100, 101, 102, 100, 101}, {255, 100, 100, 50, 254}, {255, 255, 100, 1, 254}}[rng.IntN(5)]
	hosts := make([][]int, c.routers) // the order of addresses differs from link to link
	for vr := range hosts {
		hosts[vr] = rng.Perm(count)
	}
	delayed := rng.IntN(3) == 0
	d.shortest = time.Hour
	for i := range count {
		own := interval * pick(spread...)
		d.longest, d.shortest = max(d.longest, own), min(d.shortest, own)
		n := &simNode{index: i, name: fmt.Sprintf("lb%d", i+1), holds: make([]bool, c.routers), wake: never}
		preempt := d.eager || rng.IntN(2) == 0
		var preemptDelay, startupDelay time.Duration
		if delayed {
			preemptDelay, startupDelay = own*time.Duration(rng.IntN(10)), own*time.Duration(rng.IntN(10))
		}
		d.startup, d.yields = max(d.startup, startupDelay), max(d.yields, preemptDelay)
		for vr := range c.routers {
			p := priorities[i]
			if !d.grouped {
				p = priorities[(i+vr)%count]
			}
			k := Config{
				Name: fmt.Sprintf("VI_%d", vr+1), VRID: uint8(vr + 1), Version: d.version, Priority: p, AdvertInterval: own,
				Preempt: preempt, PreemptDelay: preemptDelay, StartupDelay: startupDelay,
				Address:  netip.AddrFrom4([4]byte{10, byte(vr), 0, byte(1 + hosts[vr][i])}),
				Announce: AnnounceConfig{Repeat: 1, Delay: own, LowerPriorityRepeat: 1, LowerPriorityDelay: own * time.Duration(vr)},
			}
			if d.grouped {
				k.Group = "edge"
			}
			n.configs = append(n.configs, k)
		}
		c.nodes = append(c.nodes, n)
	}
	c.latency, c.jitter = d.shortest/pick(20, 200), d.shortest/50
	return c, d
}

// start starts a node. One that was killed as a master a moment ago finds its addresses in place.
func (c *cluster) start(n *simNode) {
	if n.up {
		return
	}
	recent := n.died > 0 && c.now-n.died < n.configs[0].AdvertInterval
	n.r, n.up, n.paused, n.inbox, n.wake = New(), true, false, nil, never
	configs := slices.Clone(n.configs)
	for i := range configs {
		configs[i].Resume = recent && n.holds[i]
		n.holds[i] = configs[i].Resume
	}
	c.log("%s starts", n.name)
	c.carryOut(n, n.r.Configure(c.now, configs, nil))
}

// crash ends a node at once; its addresses are not counted any more, and stay if it is only the process.
func (c *cluster) crash(n *simNode) {
	c.log("%s crashes", n.name)
	n.up, n.died = false, c.now
	for vr := range c.routers {
		c.forget(n, vr)
	}
}

func (c *cluster) stop(n *simNode) {
	if n.up && !n.paused {
		c.log("%s stops", n.name)
		c.carryOut(n, n.r.Stop(c.now, nil))
		n.up, n.died = false, 0
	}
}

// reload changes a node's configuration.
func (c *cluster) reload(n *simNode, vr int, what string, change func(*Config)) {
	change(&n.configs[vr])
	if n.up && !n.paused {
		c.log("%s VI_%d: %s", n.name, vr+1, what)
		c.carryOut(n, n.r.Configure(c.now, n.configs, nil))
	}
}

// A cause is one thing that happens to a cluster. The network is innocent of the first five.
func (c *cluster) cause(kind int, d drawing) {
	n, vr := c.nodes[c.rng.IntN(len(c.nodes))], c.rng.IntN(c.routers)
	switch kind {
	case 0:
		c.crash(n)
		c.at(c.now+c.upTo(5*d.longest), func() { c.start(n) })
	case 1:
		c.stop(n)
		c.at(c.now+c.upTo(5*d.longest), func() { c.start(n) })
	case 2:
		change := c.rng.IntN(200) - 100
		c.reload(n, vr, fmt.Sprintf("weights %+d", change), func(k *Config) { k.PriorityChange = change })
	case 3:
		if n.configs[vr].Fault != "" {
			c.reload(n, vr, "fault ends", func(k *Config) { k.Fault = "" })
		} else {
			c.reload(n, vr, "fault", func(k *Config) { k.Fault = "a fault" })
		}
	case 4:
		c.reload(n, vr, "released or reclaimed", func(k *Config) { k.Released = !k.Released })
	case 5: // a partition in two parts, of one link or all
		if part := c.rng.IntN(32); c.rng.IntN(2) == 0 {
			c.divide(part, vr)
		} else {
			c.divide(part, c.links()...)
		}
	case 6: // nothing from this node arrives, on one link
		c.log("%s is not heard on link %d", n.name, vr+1)
		for _, to := range c.nodes {
			c.cut[[3]int{vr, n.index, to.index}] = true
		}
	case 7:
		c.cut = map[[3]int]bool{}
		c.loss, c.double = c.rng.Float64()*0.6, c.rng.Float64()*0.3
		c.log("loss %.2f", c.loss)
	case 8:
		n.slow = c.upTo(3 * d.longest)
		c.log("%s is busy: its timers are up to %v late", n.name, n.slow)
	case 9, 10:
		if n.up {
			n.paused, n.deaf = true, kind == 10
			c.log("%s stands still", n.name)
			c.at(c.now+c.upTo(8*d.longest), func() { c.resume(n) })
		}
	}
}

// divide lets nothing pass, on some links, between nodes with another bit in part.
func (c *cluster) divide(part int, links ...int) {
	c.log("the links %v are divided %b", links, part)
	c.cut = map[[3]int]bool{}
	for _, link := range links {
		for _, from := range c.nodes {
			for _, to := range c.nodes {
				c.cut[[3]int{link, from.index, to.index}] = part>>from.index&1 != part>>to.index&1
			}
		}
	}
}

func (c *cluster) links() []int {
	all := make([]int, c.routers)
	for vr := range all {
		all[vr] = vr
	}
	return all
}

// heal ends all that goes wrong: every node runs, and the network passes everything.
func (c *cluster) heal() {
	c.log("all is well again")
	c.loss, c.double, c.cut = 0, 0, map[[3]int]bool{}
	for _, n := range c.nodes {
		n.slow = 0
		if n.due != never {
			n.wake = min(n.wake, n.due+c.jitter)
		}
		c.resume(n)
		c.start(n)
		c.reload(n, 0, "configuration as it is", func(*Config) {}) // what a pause kept from it
	}
}

// able says whether some node may be master of the virtual router, and the highest priority among them.
func (c *cluster) able(vr int) (best uint8, ok bool) {
	for _, n := range c.nodes {
		in := n.r.Instances()[vr]
		if s := in.Status(); s.State != Fault && !s.Released {
			best, ok = max(best, s.Priority), true
		}
	}
	return best, ok
}
