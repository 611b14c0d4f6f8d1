package lab_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/pair"
)

// ours is a pair of evenkeel with one virtual router, of which r1 is master.
func ours(t *testing.T, advert time.Duration) *routers {
	t.Helper()
	e := pair.Evenkeel{Binary: evenkeel(t)}
	p := newRouters(t, e, e, pair.Config{Instances: []pair.Instance{{
		Name: "VI_1", ID: 51, Version: 3, Priority: 150, Advert: advert, Addresses: []string{"10.77.0.100/24"},
	}}})
	begin := time.Now()
	p.start(p.high)
	p.start(p.low)
	p.await(begin, "r1 becomes master", by(p.high, 150))
	p.holds(p.high, true)
	p.holds(p.low, false)
	return p
}

// ask runs a command of evenkeel on a router, and returns what it says.
func (p *routers) ask(r *pair.Router, want int, args ...string) string {
	p.t.Helper()
	c, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	proc, err := r.Host.Start(c, nil, append([]string{evenkeel(p.t), "--socket", r.Dir + "/control.sock"}, args...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	exit, err := proc.Wait(c)
	if err != nil {
		p.t.Fatal(err)
	}
	if exit != want {
		p.t.Fatalf("evenkeel %s: exit %d, want %d\n%s", strings.Join(args, " "), exit, want, proc.Output())
	}
	return proc.Output()
}

// only fails the test when the backup said anything since then.
func (p *routers) only(since time.Time) {
	p.t.Helper()
	for _, f := range p.wire.Since(since) {
		if by(p.low, 100)(f) || by(p.high, 0)(f) {
			p.t.Errorf("there was a fail-over: %v", f)
			return
		}
	}
}

// process returns the pid of a router's process by its name.
func (p *routers) process(r *pair.Router, name string) int {
	p.t.Helper()
	pids, err := r.Pids()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, pid := range pids {
		comm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		if err == nil && strings.TrimSpace(string(comm)) == name {
			return pid
		}
	}
	p.t.Fatalf("%s has no process %s", r.Host.Name(), name)
	return 0
}

// A plugin that is killed is no fail-over: its successor goes on within the time that the backup waits.
func TestNSACrashOfTheVRRPPluginIsNoFailOver(t *testing.T) {
	p := ours(t, time.Second)
	p.await(time.Now(), "the master goes on", by(p.high, 150))
	for range 3 {
		at := time.Now()
		if err := syscall.Kill(p.process(p.high, "vrrp"), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		next := p.await(at, "its successor goes on", by(p.high, 150))
		t.Logf("the next advert came %v after the kill", next.Time.Sub(at))
		p.holds(p.high, true)
		p.only(at)
		p.await(next.Time.Add(500*time.Millisecond), "and on", by(p.high, 150))
	}
}

// A core that is killed is not noticed on the wire, and neither is its successor.
func TestNSACrashOfTheCoreIsNotNoticed(t *testing.T) {
	p := ours(t, 100*time.Millisecond)
	plugin := p.process(p.high, "vrrp")
	begin := time.Now()
	if err := p.high.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.await(time.Now().Add(300*time.Millisecond), "the plugin goes on without it", by(p.high, 150))
	p.start(p.high)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if c, cancel := context.WithTimeout(ctx, time.Second); true {
			out, exit, err := p.high.Host.Run(c, evenkeel(t)+" --socket "+p.high.Dir+"/control.sock vrrp status")
			cancel()
			if err == nil && exit == 0 && strings.Contains(out, "master") {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("its successor does not know of the master: %s", out)
			}
		}
	}
	if now := p.process(p.high, "vrrp"); now != plugin {
		t.Errorf("the plugin was process %d and is %d: it was not taken over", plugin, now)
	}
	p.only(begin)
	var last time.Time
	for _, f := range p.wire.Since(begin) {
		if !by(p.high, 150)(f) {
			continue
		}
		if gap := f.Time.Sub(last); !last.IsZero() && gap > 250*time.Millisecond {
			t.Errorf("%v without an advert", gap)
		}
		last = f.Time
	}
}

func TestNSAReloadIsNotNoticed(t *testing.T) {
	p := ours(t, 100*time.Millisecond)
	begin := time.Now()
	c := p.config
	for n := range 5 {
		c.Instances[0].Addresses = []string{"10.77.0.100/24"}
		if n%2 == 0 {
			c.Instances[0].Addresses = append(c.Instances[0].Addresses, "10.77.0.101/24")
		}
		if err := p.high.Configure(c); err != nil {
			t.Fatal(err)
		}
		if err := p.high.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.config = c
		p.holds(p.high, true)
	}
	p.only(begin)
}

func TestNSAnOperatorGivesTheRoleAwayAndTakesItBack(t *testing.T) {
	p := ours(t, 100*time.Millisecond)
	at := time.Now()
	p.ask(p.high, 0, "vrrp", "release", "VI_1")
	p.await(at, "it says goodbye", by(p.high, 0))
	p.await(at, "the other takes over", by(p.low, 100))
	p.holds(p.high, false)
	p.holds(p.low, true)
	if out := p.ask(p.high, 1, "vrrp", "garp", "VI_1"); !strings.Contains(out, "not master") {
		t.Errorf("announcing what it does not hold: %s", out)
	}
	if out := p.ask(p.high, 1, "vrrp", "release", "VI_2"); !strings.Contains(out, "VI_1") {
		t.Errorf("releasing what there is not: %s", out)
	}

	// What an operator said survives a restart.
	if _, err := p.high.Stop(); err != nil {
		t.Fatal(err)
	}
	p.start(p.high)
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		out, exit, err := p.high.Host.Run(ctx, evenkeel(t)+" --socket "+p.high.Dir+"/control.sock vrrp status")
		if err == nil && exit == 0 && strings.Contains(out, "RELEASED") && strings.Contains(out, "backup") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after a restart it is not released: %s", out)
		}
	}
	quiet := time.Now()
	p.await(quiet.Add(time.Second), "the other goes on", by(p.low, 100))
	for _, f := range p.wire.Since(quiet) {
		if by(p.high, 150)(f) {
			t.Fatalf("it takes the role all the same: %v", f)
		}
	}

	at = time.Now()
	p.ask(p.high, 0, "vrrp", "reclaim", "VI_1")
	p.await(at, "it takes the role back", by(p.high, 150))
	p.holds(p.high, true)
	p.holds(p.low, false)
	at = time.Now()
	p.ask(p.high, 0, "vrrp", "garp", "VI_1")
	p.await(at, "it announces the address", func(f pair.Frame) bool { return f.Kind == pair.ARP && f.Source.String() == "10.77.0.100" })
}

// A split brain is an event and in the status until it ends, and there is one master when it has.
func TestNSASplitBrainIsSeenAndHeals(t *testing.T) {
	p := ours(t, 100*time.Millisecond)
	if err := p.lab.Isolate(ctx, true, p.high.Host, p.low.Host); err != nil {
		t.Fatal(err)
	}
	p.holds(p.low, true)
	p.holds(p.high, true)
	healed := time.Now()
	if err := p.lab.Isolate(ctx, false, p.high.Host, p.low.Host); err != nil {
		t.Fatal(err)
	}
	p.holds(p.low, false)
	p.holds(p.high, true)
	p.await(healed, "the master announces its address again", func(f pair.Frame) bool {
		return f.Kind == pair.ARP && f.Source.String() == "10.77.0.100"
	})
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		events := p.ask(p.high, 0, "events")
		if strings.Contains(events, "10.77.0.2") && strings.Contains(events, "is master too") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no event tells of the split brain:\n%s", events)
		}
	}
}

// An upgrade changes the binary under a master that goes on.
func TestNSAnUpgradeIsNotNoticed(t *testing.T) {
	p := ours(t, time.Second)
	p.await(time.Now(), "the master goes on", by(p.high, 150))
	old := p.process(p.high, "vrrp")
	begin := time.Now()
	p.ask(p.high, 0, "stop", "--keep")
	binary, err := os.ReadFile(evenkeel(t))
	if err != nil {
		t.Fatal(err)
	}
	next := p.high.Dir + "/evenkeel"
	if err := os.WriteFile(next, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	p.high.Daemon = pair.Evenkeel{Binary: next}
	p.start(p.high)
	p.await(time.Now().Add(2500*time.Millisecond), "the master goes on", by(p.high, 150))
	p.only(begin)
	p.holds(p.high, true)
	if now := p.process(p.high, "vrrp"); now == old {
		t.Error("the old plugin goes on with the new core")
	}
}
