package machine

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// A chance is a fuzzer's input, read as decisions; it is all zeros when it has run out.
type chance []byte

func (c *chance) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b) % n
}

// FuzzRouter throws any events, in any order, at a Router, and checks what must always be true.
func FuzzRouter(f *testing.F) {
	f.Add([]byte("\x03\x02\x01the quick brown fox jumps over the lazy dog, and back again, and again"))
	for seed := range byte(16) {
		long := make([]byte, 400)
		for i := range long {
			long[i] = byte(i*int(2*seed+1)) ^ byte(i>>3)*31 ^ seed
		}
		f.Add(long)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := &player{t: t, c: data, r: New(), holds: map[*Instance]bool{}, served: map[*Instance]bool{}}
		for range 300 {
			if len(p.c) == 0 {
				break
			}
			p.step()
		}
		p.check("stop", p.r.Stop(p.now, nil))
		for in, holds := range p.holds {
			if holds {
				t.Errorf("%s was left with its addresses", in.Name())
			}
		}
	})
}

type player struct {
	t       *testing.T
	c       chance
	r       *Router
	now     time.Duration
	configs []Config
	holds   map[*Instance]bool
	served  map[*Instance]bool // before the event: another master may live
}

func (p *player) step() {
	switch what := p.c.of(8); {
	case what == 0 || p.configs == nil:
		p.configs = p.reconfigured()
		known := p.known()
		out := p.r.Configure(p.now, p.configs, nil)
		for _, in := range p.r.Instances() {
			if !known[in] && in.config.Resume {
				p.holds[in] = in.state != Master // in place already, and so either adopted or removed
			}
		}
		p.check("configure", out)
	case what < 4:
		if all := p.r.Instances(); len(all) > 0 {
			in := all[p.c.of(len(all))]
			before, timers := in.Status(), in.timers
			out := p.r.Advert(p.now, in, p.advert(), nil)
			if (before.State == Fault || before.State == Initialize) && (len(out) > 0 || timers != in.timers) {
				p.t.Errorf("an advert in %v changed something", before.State)
			}
			p.check("advert", out)
		}
	default:
		if next, ok := p.r.Next(); ok && what < 7 {
			p.now = max(p.now, next)
		}
		p.now += time.Duration(p.c.of(256)) * []time.Duration{0, time.Microsecond, time.Millisecond, time.Minute}[p.c.of(4)]
		out, late := p.r.Tick(p.now, nil)
		if late < 0 {
			p.t.Errorf("a timer ran %v early", -late)
		}
		if next, ok := p.r.Next(); ok && next <= p.now {
			p.t.Errorf("after Tick the next timer is %v in the past", p.now-next)
		}
		p.check("tick", out)
	}
}

func (p *player) known() map[*Instance]bool {
	known := map[*Instance]bool{}
	for _, in := range p.r.Instances() {
		known[in] = true
	}
	return known
}

func (p *player) address() netip.Addr {
	switch n := p.c.of(6); n {
	case 0:
		return netip.Addr{}
	case 1:
		return netip.MustParseAddr("fe80::1%eth0")
	default:
		return netip.AddrFrom4([4]byte{192, 0, 2, byte(8 + n)})
	}
}

func (p *player) advert() Advert {
	return Advert{p.address(), uint8(p.c.of(256)), time.Duration(p.c.of(4)) * 100 * time.Millisecond}
}

func (p *player) reconfigured() []Config {
	all := []Config{}
	for i := range p.c.of(5) {
		flags := p.c.of(256)
		c := config(func(c *Config) {
			c.Name, c.VRID, c.Version = fmt.Sprintf("VI_%d", i), uint8(i+1), uint8(2+p.c.of(2))
			c.Priority, c.PriorityChange = uint8(p.c.of(256)), p.c.of(256)-128
			c.AdvertInterval = time.Duration(p.c.of(20)) * 50 * time.Millisecond
			c.Preempt, c.Released, c.Resume = flags&1 != 0, flags&6 == 6, flags&8 != 0
			if flags&16 != 0 {
				c.PreemptDelay, c.StartupDelay = time.Duration(p.c.of(9))*time.Second, time.Duration(p.c.of(3))*time.Second
			}
			if flags&96 == 96 {
				c.Fault = "a fault"
			}
			if flags&128 != 0 {
				c.Group = "edge"
			}
			c.Address = p.address()
			c.Announce.Refresh, c.Announce.RefreshRepeat = time.Duration(p.c.of(3))*time.Second, 1
		})
		all = append(all, c)
	}
	return all
}

// check holds every action, and every instance after them, to the rules.
func (p *player) check(event string, actions []Action) {
	left, claimed := map[*Instance]bool{}, map[*Instance]bool{}
	for _, a := range actions {
		in, bad := a.Instance, ""
		switch a.Kind {
		case SendAdvert:
			left[in], claimed[in] = a.Priority == 0, a.Priority != 0
		case AddAddresses:
			if p.holds[in] {
				bad = "added twice"
			}
			if !claimed[in] && !p.served[in] {
				bad = "added before the advert"
			}
			p.holds[in] = true
		case RemoveAddresses:
			if !p.holds[in] {
				bad = "removed without being there"
			}
			p.holds[in] = false
		case Announce:
			if !p.holds[in] || a.Count < 1 {
				bad = "announced without being there"
			}
		case Transition:
			if a.From == a.To || a.Reason == "" {
				bad = "no transition"
			}
			if a.To == Master && !claimed[in] {
				bad = "not said"
			}
			if a.From == Master && a.To != Backup && !left[in] {
				bad = "left without priority 0"
			}
			if (a.To == Master) != p.holds[in] {
				bad = "told before it was true"
			}
		}
		if bad != "" {
			p.t.Errorf("%s: %s: addresses %s", event, tell(a), bad)
		}
	}
	if len(p.r.queue) != len(p.r.instances) {
		p.t.Errorf("%s: %d instances, and %d in the queue", event, len(p.r.instances), len(p.r.queue))
	}
	states := map[string]State{}
	for _, in := range p.r.Instances() {
		s := in.Status()
		p.served[in] = in.state == Backup && (in.given || s.Master.Source.IsValid())
		if (s.State == Master) != p.holds[in] {
			p.t.Errorf("%s: %s in %v, addresses in place: %v", event, in.Name(), s.State, p.holds[in])
		}
		if s.State == Master && (s.Released != in.parting || in.config.fault() != "") {
			p.t.Errorf("%s: %s must not be master: %+v", event, in.Name(), s)
		}
		if g := in.config.Group; g != "" {
			if other, ok := states[g]; ok && (other == Fault) != (s.State == Fault) {
				p.t.Errorf("%s: a member in %v, another in %v", event, other, s.State)
			}
			states[g] = s.State
		}
		if s.State == Master && !in.parting && in.timers[protocol] > p.now+in.config.AdvertInterval {
			p.t.Errorf("%s: %s sends its next advert too late", event, in.Name())
		}
		if s.State == Backup && !in.ready && in.timers[protocol] == never {
			p.t.Errorf("%s: %s waits for nothing", event, in.Name())
		}
	}
}
