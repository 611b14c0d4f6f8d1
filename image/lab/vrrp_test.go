package lab_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/pair"
)

// patience bounds every wait; what has a least time is asserted to take that, and nothing has a most.
const patience = 30 * time.Second

// routers is a pair under test: one with priority 150, one with priority 100, and what they say on the wire.
type routers struct {
	t         *testing.T
	lab       *lab.Lab
	wire      *pair.Capture
	high, low *pair.Router
	config    pair.Config // the higher one's
}

// newRouters makes a pair, with neither daemon started.
func newRouters(t *testing.T, high, low pair.Daemon, config pair.Config) *routers {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	l, err := lab.New(ctx, lab.Options{Directors: -1, RealServers: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	wire, err := pair.Watch(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	p := &routers{t: t, lab: l, wire: wire, config: config}
	dir := shortDir(t)
	if p.high, err = pair.New(ctx, l, high, dir, 1); err != nil {
		t.Fatal(err)
	}
	if p.low, err = pair.New(ctx, l, low, dir, 2); err != nil {
		t.Fatal(err)
	}
	other := config
	other.Instances = slices.Clone(config.Instances)
	for i := range other.Instances {
		v := &other.Instances[i]
		if v.Priority > 100 {
			v.Priority = 100
		}
		v.Track = ""
		if v.Peer != "" {
			v.Peer = "10.77.0.1"
		}
	}
	for r, c := range map[*pair.Router]pair.Config{p.high: config, p.low: other} {
		if err := r.Configure(c); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, r := range []*pair.Router{p.high, p.low} {
			t.Logf("%s (%s):\n%s", r.Host.Name(), r.Daemon.Name(), r.Log())
		}
		for _, f := range p.wire.Since(time.Time{}) {
			t.Log(f)
		}
	})
	return p
}

// shortDir is a folder in which the path of a socket has room: it may have 107 bytes (unix(7)), and t.TempDir has the test's
// name in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (p *routers) start(r *pair.Router) {
	p.t.Helper()
	if err := r.Start(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// by says whether an advert is one of a router's.
func by(r *pair.Router, priority int) func(pair.Frame) bool {
	n := strings.TrimPrefix(r.Host.Name(), "r")
	return func(f pair.Frame) bool {
		s := f.Source.String()
		mine := s == "10.77.0."+n || strings.HasPrefix(s, "fe80:") && f.Priority == uint8(priority)
		return f.Kind == pair.Advert && mine && f.Priority == uint8(priority)
	}
}

// await returns the first frame since then that is wanted.
func (p *routers) await(since time.Time, what string, wanted func(pair.Frame) bool) pair.Frame {
	p.t.Helper()
	c, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	f, err := p.wire.Next(c, since, wanted)
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
	return f
}

// holds waits until a router has all the virtual addresses of the configuration, or none of them.
func (p *routers) holds(r *pair.Router, all bool) {
	p.t.Helper()
	var want []string
	for _, i := range p.config.Instances {
		want = append(want, i.Addresses...)
	}
	var have []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		if have, err = r.Addresses(ctx, "eth0"); err != nil {
			p.t.Fatal(err)
		}
		n := 0
		for _, w := range want {
			if slices.Contains(have, w) {
				n++
			}
		}
		if all && n == len(want) || !all && n == 0 {
			return
		}
	}
	p.t.Fatalf("%s (%s) has %v of the virtual addresses %v; all: %v", r.Host.Name(), r.Daemon.Name(), have, want, all)
}

// link sets the higher router's cable in or out.
func (p *routers) link(state string) {
	p.t.Helper()
	if err := p.lab.Cable(ctx, p.high.Host, state); err != nil {
		p.t.Fatal(err)
	}
}

// masterDown is how long a backup of priority 100 waits at least after the last advert of its master (RFC 9568 section 6.1,
// RFC 3768 section 6.1), and skew the part of it that follows an advert of priority 0.
func masterDown(i pair.Instance) (down, skew time.Duration) {
	skew = time.Second * (256 - 100) / 256
	if i.Version == 3 {
		skew = i.Advert * (256 - 100) / 256
	}
	return 3*i.Advert + skew, skew
}

// spoken are the ways to speak that both daemons know.
func spoken() map[string]pair.Config {
	one := pair.Instance{Name: "VI_1", ID: 51, Version: 3, Priority: 150, Advert: 100 * time.Millisecond, Addresses: []string{"10.77.0.100/24"}, RFC5798: true}
	v2 := one
	v2.Version, v2.Advert = 2, time.Second
	pass, ah := v2, v2
	pass.Auth, ah.Auth = "pass", "ah"
	v6 := one
	v6.RFC5798 = false // it is about IPv4
	v6.Addresses = []string{"fe80::100/64", "fd00:77::100/64"}
	unicast := one
	unicast.Peer = "10.77.0.2"
	second := one
	second.Name, second.ID, second.Addresses = "VI_2", 52, []string{"10.77.0.101/24"}
	return map[string]pair.Config{
		"v2":           {Instances: []pair.Instance{v2}},
		"v2 with PASS": {Instances: []pair.Instance{pass}},
		"v2 with AH":   {Instances: []pair.Instance{ah}},
		"v3":           {Instances: []pair.Instance{one}},
		"v3 over IPv6": {Instances: []pair.Instance{v6}},
		"unicast":      {Instances: []pair.Instance{unicast}},
		"sync group":   {Instances: []pair.Instance{one, second}, Group: true},
	}
}

// A breach is a way in which the master goes, and comes back.
type breach struct {
	leaves bool // it says goodbye with priority 0
	stays  bool // its process goes on
	do     func(p *routers) time.Time
	undo   func(p *routers)
}

func breaches() map[string]breach {
	return map[string]breach{
		"kill -9": {
			do: func(p *routers) time.Time {
				at, err := p.high.Kill()
				if err != nil {
					p.t.Fatal(err)
				}
				return at
			},
			undo: func(p *routers) { p.start(p.high) },
		},
		"SIGTERM": {
			leaves: true,
			do: func(p *routers) time.Time {
				at, err := p.high.Stop()
				if err != nil {
					p.t.Fatal(err)
				}
				return at
			},
			undo: func(p *routers) { p.start(p.high) },
		},
		"link down": {
			stays: true,
			do: func(p *routers) time.Time {
				at := time.Now()
				p.link("down")
				return at
			},
			undo: func(p *routers) { p.link("up") },
		},
		"failed check": {
			leaves: true, stays: true,
			do: func(p *routers) time.Time {
				at := time.Now()
				if err := os.Remove(p.config.Instances[0].Track); err != nil {
					p.t.Fatal(err)
				}
				return at
			},
			undo: func(p *routers) { p.touch() },
		},
	}
}

// touch makes the file that the higher router tracks.
func (p *routers) touch() {
	p.t.Helper()
	if f := p.config.Instances[0].Track; f != "" {
		if err := os.WriteFile(f, nil, 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestNSFailoverBesideKeepalived(t *testing.T) {
	ours, theirs := pair.Evenkeel{Binary: evenkeel(t)}, pair.Keepalived{}
	for speech, config := range spoken() {
		for name, breach := range breaches() {
			for _, roles := range [][2]pair.Daemon{{ours, theirs}, {theirs, ours}} {
				t.Run(fmt.Sprintf("%s/%s of %s", speech, name, roles[0].Name()), func(t *testing.T) {
					t.Parallel()
					c := config
					c.Instances = slices.Clone(c.Instances)
					if name == "failed check" {
						c.Instances[0].Track = filepath.Join(t.TempDir(), "alive")
					}
					failOver(t, roles[0], roles[1], c, breach)
				})
			}
		}
	}
}

// failOver lets a master go and come back, and looks at what both say and hold.
func failOver(t *testing.T, high, low pair.Daemon, config pair.Config, b breach) {
	p := newRouters(t, high, low, config)
	first := config.Instances[0]
	down, skew := masterDown(first)
	p.touch()
	begin := time.Now()
	p.start(p.high)
	p.start(p.low)
	p.await(begin, "the higher priority becomes master", by(p.high, 150))
	p.holds(p.high, true)
	p.holds(p.low, false)

	// Without this the backup may not yet have heard its master.
	p.await(time.Now().Add(first.Advert), "the master goes on", by(p.high, 150))
	broken := b.do(p)
	taken := p.await(broken, "the backup takes over", by(p.low, 100))
	least := down
	if b.leaves {
		bye := p.await(broken, "the master says goodbye", by(p.high, 0))
		if took := taken.Time.Sub(bye.Time); took < skew-time.Millisecond {
			t.Errorf("the backup took over %v after the goodbye, before its skew time of %v", took, skew)
		}
	} else {
		var last pair.Frame
		for _, f := range p.wire.Since(begin) {
			if f.Time.Before(taken.Time) && by(p.high, 150)(f) {
				last = f
			}
		}
		if took := taken.Time.Sub(last.Time); took < least-time.Millisecond {
			t.Errorf("the backup took over %v after the last advert, before its master down interval of %v", took, least)
		}
	}
	announced := func(f pair.Frame) bool {
		return f.Kind != pair.Advert && f.MAC.String() == taken.MAC.String() && strings.HasPrefix(first.Addresses[0], f.Source.String()+"/")
	}
	p.await(taken.Time, "the new master announces its address", announced)
	p.holds(p.low, true)
	if b.stays {
		p.holds(p.high, false)
	}

	b.undo(p)
	back := p.await(time.Now(), "the higher priority comes back", by(p.high, 150))
	p.holds(p.high, true)
	p.holds(p.low, false)
	if b.stays { // no more of it is heard, but for what was on its way
		quiet := back.Time.Add(2 * first.Advert)
		p.await(quiet.Add(first.Advert), "the master goes on", by(p.high, 150))
		for _, f := range p.wire.Since(quiet) {
			if by(p.low, 100)(f) {
				t.Errorf("the backup goes on: %v", f)
			}
		}
	}
	if err := p.high.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
