package machine

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

// seeds is how many clusters each scenario runs; the first ones are always the same.
var seeds = flag.Uint64("seeds", 3000, "simulated clusters per scenario")

const causesOfTrouble, innocentCauses = 11, 5

// settles derives the time that the protocol may need from the last trouble to one master for each virtual router.
func (d drawing) settles(c *cluster) time.Duration {
	skew := d.longest // at priority 0; version 2 counts it in seconds
	if d.version == 2 {
		skew = time.Second
	}
	down := 3*d.longest + skew
	t := d.startup + down + // a node that starts now
		d.longest + skew + // or one that does not believe its own late timer
		4*(c.latency+c.jitter) // and the first adverts and answers
	if d.grouped {
		t += time.Duration(len(c.nodes)-1) * (down + d.longest) // of groups that clash, one falls out each time
	}
	return t
}

// preempts derives how much later a living master of a lower priority is replaced.
func (d drawing) preempts(c *cluster) time.Duration {
	return d.yields + 5*d.longest + time.Second + c.jitter
}

// After every heal there is exactly one master for each virtual router within the time that the protocol needs, and no
// further change once the best one has it.
func TestAfterAHealThereIsOneMaster(t *testing.T) {
	each(t, func(t *testing.T, c *cluster, d drawing) {
		begin := c.now
		for _, n := range c.nodes {
			c.at(begin+c.upTo(3*d.longest), func() { c.start(n) })
		}
		for range 4 + c.rng.IntN(12) {
			kind := c.rng.IntN(causesOfTrouble)
			c.at(begin+4*d.longest+c.upTo(40*d.longest), func() { c.cause(kind, d) })
		}
		c.run(begin + 44*d.longest)
		c.heal()
		c.settle(d)
	})
}

// On a network that loses nothing and nodes that run on time there are never two masters for longer than an advert and
// its answer travel, whatever the operator and the nodes do; and what changes has a cause.
func TestWithoutTroubleThereAreNoTwoMasters(t *testing.T) {
	each(t, func(t *testing.T, c *cluster, d drawing) {
		c.strict, c.vacant = true, true
		begin := c.now
		causes := 0
		for _, n := range c.nodes {
			c.at(begin+c.upTo(10*d.longest), func() { c.start(n) })
			causes++
		}
		for range 20 {
			kind := c.rng.IntN(innocentCauses)
			c.at(begin+15*d.longest+c.upTo(100*d.longest), func() { c.cause(kind, d) })
			causes++
		}
		c.run(begin + 120*d.longest)
		c.heal()
		c.settle(d)
		c.hostsKnow()
		if limit := causes * c.routers; c.promotions > limit {
			c.fail("%d times a new master, from %d causes", c.promotions, causes)
		}
	})
}

// Where a network was divided for long and is one again, the master that stays has seen the other, and has had the last
// word to the hosts on where the addresses are.
func TestAHealedSplitWasSeenAndIsAnnounced(t *testing.T) {
	each(t, func(t *testing.T, c *cluster, d drawing) {
		for _, n := range c.nodes {
			c.at(c.now+c.upTo(3*d.longest), func() { c.start(n) })
		}
		c.run(c.now + 3*d.longest + d.settles(c))
		c.divide(1+c.rng.IntN(1<<len(c.nodes)-2), c.links()...)
		c.run(c.now + d.settles(c) + d.preempts(c) + c.upTo(10*d.longest))
		if m := c.masters(0); len(m) != 2 {
			c.fail("two parts, and the masters %v", m)
		}
		c.rivals, c.promotions = 0, 0
		c.heal()
		c.settle(d)
		if c.rivals == 0 && c.promotions == 0 { // groups of one priority may have yielded both
			c.fail("nobody saw the split")
		}
		c.hostsKnow()
	})
}

// settle checks what must be true after a heal.
func (c *cluster) settle(d drawing) {
	c.vacant = true
	c.run(c.now + d.settles(c))
	c.strict, c.vacant = true, false
	for vr := range c.routers {
		if _, ok := c.able(vr); !ok {
			c.vacant = true // nobody may
		}
	}
	c.watch()
	c.run(c.now + d.preempts(c))
	before := c.changes
	c.run(c.now + 30*d.longest)
	if c.changes != before {
		c.fail("%d changes without a cause", c.changes-before)
	}
	for vr := range c.routers {
		best, ok := c.able(vr)
		for _, n := range c.nodes {
			in := n.r.Instances()[vr]
			if r := in.Status().Rival; r.Source.IsValid() {
				c.fail("%s still has a rival, %v", n.name, r)
			}
			if d.eager && ok && in.State() == Master && in.Status().Priority != best {
				c.fail("%s is master of %d with %d, and another has %d", n.name, vr+1, in.Status().Priority, best)
			}
			if d.grouped && in.State() != n.r.Instances()[0].State() {
				c.fail("%s: the members of its group are not in one state", n.name)
			}
		}
		if masters := c.masters(vr); ok != (len(masters) == 1) {
			c.fail("virtual router %d has the masters %v", vr+1, masters)
		}
	}
}

// hostsKnow fails if somebody else than the master announced the addresses last.
func (c *cluster) hostsKnow() {
	for vr := range c.routers {
		masters := c.masters(vr)
		if n := c.announced[vr]; n != nil && len(masters) == 1 && masters[0] != n.name {
			c.fail("the hosts send to %s, the master of %d is %s", n.name, vr+1, masters[0])
		}
	}
}

// each runs a scenario with many seeds. A seed that fails prints what its cluster did.
func each(t *testing.T, scenario func(*testing.T, *cluster, drawing)) {
	began := time.Now()
	for seed := range *seeds {
		c, d := draw(seed)
		scenario(t, c, d)
		if c.failure != "" {
			c, d = draw(seed)
			c.tracing = true
			scenario(t, c, d)
			t.Fatalf("seed %d: %s\n%s\nthe last steps:\n%s", seed, c.failure, c.describe(d), strings.Join(c.trace[max(0, len(c.trace)-150):], "\n"))
		}
	}
	t.Logf("%d clusters in %v", *seeds, time.Since(began))
}

func (c *cluster) describe(d drawing) string {
	s := fmt.Sprintf("version %d, group: %v, latency up to %v, settles in %v\n", d.version, d.grouped, c.latency, d.settles(c))
	for _, n := range c.nodes {
		for _, k := range n.configs {
			s += fmt.Sprintf("%s %s: priority %d%+d every %v from %v, preempt %v after %v, start-up delay %v, fault %q, released %v\n",
				n.name, k.Name, k.Priority, k.PriorityChange, k.AdvertInterval, k.Address, k.Preempt, k.PreemptDelay, k.StartupDelay, k.Fault, k.Released)
		}
	}
	return s
}
