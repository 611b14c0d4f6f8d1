package machine

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A rig is a Router on a clock that the test moves.
type rig struct {
	t   *testing.T
	r   *Router
	now time.Duration
}

var (
	self   = netip.MustParseAddr("192.0.2.10")
	lower  = netip.MustParseAddr("192.0.2.9")
	higher = netip.MustParseAddr("192.0.2.200") // higher only to an unsigned comparison
)

// config is a version 3 instance of priority 100 at 1 s with keepalived's announcements.
func config(change ...func(*Config)) Config {
	c := Config{
		Name: "VI_1", VRID: 51, Version: 3, Priority: 100, AdvertInterval: time.Second, Preempt: true, Address: self,
		Announce: AnnounceConfig{Repeat: 5, Delay: 5 * time.Second, LowerPriorityRepeat: 2, LowerPriorityDelay: 5 * time.Second},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// configured returns a Router that has just got its first configuration, and what it asked for.
func configured(t *testing.T, all ...Config) (*rig, []string) {
	g := &rig{t: t, r: New(), now: time.Hour}
	return g, g.configure(all...)
}

// backup returns a Router in Backup, master one in Master; what happened until then is forgotten.
func backup(t *testing.T, all ...Config) *rig {
	g, _ := configured(t, all...)
	g.in(Backup)
	return g
}

func master(t *testing.T, all ...Config) *rig {
	g, _ := configured(t, all...)
	g.after(300 * time.Second)
	g.in(Master)
	return g
}

func (g *rig) configure(all ...Config) []string {
	return told(g.r.Configure(g.now, all, nil))
}

// hears hands an advert to the first instance.
func (g *rig) hears(priority uint8, from netip.Addr) []string {
	return g.hearsAt(g.r.Instances()[0].Name(), Advert{from, priority, time.Second})
}

func (g *rig) hearsAt(name string, a Advert) []string {
	return told(g.r.Advert(g.now, g.r.Instance(name), a, nil))
}

// after moves the clock, running every timer when it is due, and returns what they asked for.
func (g *rig) after(d time.Duration) []string {
	g.t.Helper()
	var all []string
	for end := g.now + d; ; {
		next, ok := g.r.Next()
		if !ok || next > end {
			g.now = end
			return all
		}
		g.now = max(g.now, next)
		out, late := g.r.Tick(g.now, nil)
		if late != 0 {
			g.t.Fatalf("a timer ran %v late", late)
		}
		all = append(all, told(out)...)
	}
}

// pause moves the clock without running timers, then runs them, and returns what they asked for and how late they were.
func (g *rig) pause(d time.Duration) ([]string, time.Duration) {
	g.now += d
	out, late := g.r.Tick(g.now, nil)
	return told(out), late
}

func (g *rig) in(want State) {
	g.t.Helper()
	for _, in := range g.r.Instances() {
		if in.State() != want {
			g.t.Fatalf("%s is in %v, want %v", in.Name(), in.State(), want)
		}
	}
}

// takesOverAfter fails the test unless the router is a backup until just before d has passed, and a master then.
func (g *rig) takesOverAfter(d time.Duration) {
	g.t.Helper()
	g.after(d - 1)
	g.in(Backup)
	g.after(1)
	g.in(Master)
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("actions (-want +got):\n%s", d)
	}
}

func told(actions []Action) []string {
	var s []string
	for _, a := range actions {
		s = append(s, tell(a))
	}
	return s
}

// tell writes an action as a test reads it: "VI_1 advert 100".
func tell(a Action) string {
	s := a.Instance.Name() + " "
	switch a.Kind {
	case SendAdvert:
		return s + fmt.Sprintf("advert %d", a.Priority)
	case Announce:
		return s + fmt.Sprintf("announce %d", a.Count)
	case Transition:
		s += fmt.Sprintf("%v -> %v: %s", a.From, a.To, a.Reason)
		if a.Peer.IsValid() {
			s += fmt.Sprintf(" (%v)", a.Peer)
		}
		return s
	case Rival:
		if a.Begins {
			return s + fmt.Sprintf("rival %v with %d", a.Peer, a.Priority)
		}
		return s + fmt.Sprintf("no rival %v: %s", a.Peer, a.Reason)
	}
	return s + a.Kind.String()
}
