package lab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/pair"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// two are a pair of evenkeel with a configuration, of which r1 is master.
func two(t *testing.T, c pair.Config) *routers {
	t.Helper()
	e := pair.Evenkeel{Binary: evenkeel(t)}
	p := newRouters(t, e, e, c)
	begin := time.Now()
	p.start(p.high)
	p.await(begin, "r1 becomes master", by(p.high, 150))
	p.start(p.low)
	return p
}

// plain is a virtual router with more words of evenkeel's language.
func plain(words string) pair.Instance {
	return pair.Instance{
		Name: "VI_1", ID: 51, Version: 3, Priority: 150, Advert: 100 * time.Millisecond, Addresses: []string{"10.77.0.100/24"}, Words: words,
	}
}

// run runs a command on a router, and says whether it succeeded.
func (p *routers) run(r *pair.Router, command string) bool {
	p.t.Helper()
	out, exit, err := r.Host.Run(ctx, command)
	if err != nil {
		p.t.Fatalf("%s: %v: %s", command, err, out)
	}
	return exit == 0
}

// answers says whether the virtual address refuses a connection to a port that nobody listens on, and is not silent.
func answers(t *testing.T, from *lab.Host) bool {
	t.Helper()
	out, exit, err := from.Run(ctx, "timeout 1 bash -c '</dev/tcp/10.77.0.100/9'")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return exit == 1
}

// until waits until something is so.
func (p *routers) until(what string, so func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("still not: %s", what)
		}
	}
}

func TestNSAMemberThatIsReleasedTakesItsGroupWithIt(t *testing.T) {
	second := plain("")
	second.Name, second.ID, second.Addresses = "VI_2", 52, []string{"10.77.0.101/24"}
	p := two(t, pair.Config{Instances: []pair.Instance{plain(""), second}, Group: true})
	p.holds(p.high, true)
	of := func(r *pair.Router, priority int, id uint8) func(pair.Frame) bool {
		return func(f pair.Frame) bool { return by(r, priority)(f) && f.ID == id }
	}
	at := time.Now()
	p.ask(p.high, 0, "vrrp", "release", "VI_1")
	for _, id := range []uint8{51, 52} {
		p.await(at, "the group says goodbye", of(p.high, 0, id))
		p.await(at, "the other has the group", of(p.low, 100, id))
	}
	p.holds(p.high, false)
	p.holds(p.low, true)
	at = time.Now()
	p.ask(p.high, 0, "vrrp", "reclaim", "VI_1")
	for _, id := range []uint8{51, 52} {
		p.await(at, "the group comes back", of(p.high, 150, id))
	}
	p.holds(p.high, true)
	p.holds(p.low, false)
}

func TestNSARoleThatMovesLeavesNobodyWithoutAnAnswer(t *testing.T) {
	v := plain("")
	v.Advert = time.Second
	p := two(t, pair.Config{Instances: []pair.Instance{v}})
	p.holds(p.high, true)
	p.until("r2 is backup", func() bool {
		return p.run(p.low, evenkeel(t)+" --socket "+p.low.Dir+"/control.sock vrrp status | grep -q backup")
	})
	stream := traffic.Start(t.Context(), 10*time.Millisecond, func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := p.lab.Client.Dial(ctx, "tcp", "10.77.0.100:9")
		if errors.Is(err, unix.ECONNREFUSED) {
			return "refused", nil
		}
		return "", err
	})
	p.until("the client is answered", func() bool { return traffic.Tally(stream.Answers())["refused"] > 10 })
	at := time.Now()
	p.ask(p.high, 0, "vrrp", "release", "VI_1")
	goodbye := p.await(at, "r1 says goodbye", by(p.high, 0))
	taken := p.await(at, "r2 takes over", by(p.low, 100))
	p.holds(p.high, false)
	p.holds(p.low, true)
	p.until("the client is answered by r2", func() bool { return time.Since(taken.Time) > time.Second })

	// Between the two r1 serves, and r2 does before it says so.
	silence := func(from time.Time) (longest time.Duration) {
		last := from
		for _, a := range traffic.Between(stream.Answers(), from, time.Now()) {
			if a.Err == nil {
				longest, last = max(longest, a.Ended.Sub(last)), a.Ended
			}
		}
		return max(longest, time.Since(last))
	}
	silent, skew := silence(at), taken.Time.Sub(goodbye.Time)
	t.Logf("r2 took over %v after the goodbye, and there was no answer for %v at most", skew, silent)
	if silent > skew/2 {
		t.Errorf("there was no answer for %v of the %v between goodbye and take-over", silent, skew)
	}

	at = time.Now()
	p.ask(p.high, 0, "vrrp", "reclaim", "VI_1")
	back := p.await(at, "r1 takes it back", by(p.high, 150))
	p.holds(p.low, false)
	p.until("the client is answered by r1", func() bool { return time.Since(back.Time) > 2*time.Second })
	silent = silence(at)
	t.Logf("r1 took its role back, and there was no answer for %v at most", silent)
	if silent > skew/2 {
		t.Errorf("there was no answer for %v when r1 took its role back", silent)
	}
	stream.Stop()

	for _, r := range []*pair.Router{p.high, p.low} {
		if events := p.ask(r, 0, "events"); strings.Contains(events, "says that it has") {
			t.Errorf("%s takes the other, who takes the role over, for somebody who has the addresses, too:\n%s", r.Host.Name(), events)
		}
	}
}

func TestNSTheWeightOfACheckIsSeenOnTheWire(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alive")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := two(t, pair.Config{
		Instances: []pair.Instance{plain("  track {\n    check  = check.script.alive\n    weight = -60\n  }\n")},
		Words:     fmt.Sprintf("check \"script\" \"alive\" {\n  command  = [\"/usr/bin/test\", \"-e\", %q]\n  interval = \"200ms\"\n  timeout  = \"200ms\"\n  user     = \"root\"\n}\n", file),
	})
	low, err := os.ReadFile(filepath.Join(p.low.Dir, "config.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	// The other tracks the same file: when that is gone both are 60 less, and the order is the same.
	at := time.Now()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p.await(at, "the master says its lower priority", by(p.high, 90))
	p.holds(p.high, true)
	p.await(time.Now().Add(time.Second), "and goes on", by(p.high, 90))
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p.await(time.Now(), "and its own again", by(p.high, 150))

	// And now the other does not.
	without := strings.Replace(string(low), "weight = -60", "weight = -1", 1)
	if err := os.WriteFile(filepath.Join(p.low.Dir, "config.hcl"), []byte(without), 0o600); err != nil {
		t.Fatal(err)
	}
	p.ask(p.low, 0, "reload")
	at = time.Now()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p.await(at, "the other takes over", by(p.low, 99))
	p.holds(p.low, true)
	p.holds(p.high, false)
	if events := p.ask(p.high, 0, "events"); !strings.Contains(events, "150 -> 90") {
		t.Errorf("no event tells of the priority:\n%s", events)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p.await(time.Now(), "it takes the role back", by(p.high, 150))
	p.holds(p.high, true)
}

func TestNSAFailOverWithAVirtualMACChangesNoMAC(t *testing.T) {
	one := plain("")
	one.VMAC = true
	p := two(t, pair.Config{Instances: []pair.Instance{one}})
	const mac = "00:00:5e:00:01:33"
	reaches := func() bool {
		out, _, err := p.lab.Client.Run(ctx, "ip neighbor show 10.77.0.100")
		return answers(t, p.lab.Client) && err == nil && strings.Contains(out, mac)
	}
	p.until("the client reaches it by the virtual MAC", reaches)
	at, err := p.high.Kill()
	if err != nil {
		t.Fatal(err)
	}
	if f := p.await(at, "the other takes over", by(p.low, 100)); f.MAC.String() != mac {
		t.Errorf("its adverts come from %s", f.MAC)
	}
	if f := p.await(at, "it announces the address", func(f pair.Frame) bool {
		return f.Kind == pair.ARP && f.Source.String() == "10.77.0.100"
	}); f.MAC.String() != mac {
		t.Errorf("it announces the address from %s", f.MAC)
	}
	// The first machine is alive, and its kernel has the address still.
	p.start(p.high)
	if f := p.await(time.Now(), "the first comes back", by(p.high, 150)); f.MAC.String() != mac {
		t.Errorf("its adverts come from %s", f.MAC)
	}
	p.until("the client reaches it by the same MAC", reaches)
}

func TestNSAUnicastAdvertFromTooFarAwayIsNoMaster(t *testing.T) {
	one := plain("  unicast_ttl       = 64\n  unicast_min_ttl   = 64\n")
	one.Peer = "10.77.0.2"
	p := two(t, pair.Config{Instances: []pair.Instance{one}})
	p.holds(p.high, true)
	p.await(time.Now().Add(time.Second), "a TTL of 64 is near enough", by(p.high, 150))
	p.holds(p.low, false)
	strict := one
	strict.Priority, strict.Peer = 100, "10.77.0.1"
	strict.Words = "  unicast_ttl       = 64\n  unicast_min_ttl   = 65\n"
	if err := p.low.Configure(pair.Config{Instances: []pair.Instance{strict}}); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	p.ask(p.low, 0, "reload")
	p.await(at, "it hears no master", by(p.low, 100))
	if out := p.ask(p.low, 0, "vrrp", "status"); !strings.Contains(out, "ttl: ") {
		t.Errorf("the status does not say why:\n%s", out)
	}
}

func TestNSAnAddressThatIsNotAcceptedAnswersARPAlone(t *testing.T) {
	p := two(t, pair.Config{Instances: []pair.Instance{plain("  accept            = false\n")}})
	p.holds(p.high, true)
	p.holds(p.low, false)
	if answers(t, p.lab.Client) {
		t.Error("an address that is not accepted answers TCP")
	}
	if out, _, err := p.lab.Client.Run(ctx, "ip neighbor show 10.77.0.100"); err != nil || !strings.Contains(out, "lladdr") {
		t.Errorf("it does not answer ARP: %s, %v", out, err)
	}
	yes := plain("  accept            = true\n")
	if err := p.high.Configure(pair.Config{Instances: []pair.Instance{yes}}); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	p.ask(p.high, 0, "reload")
	p.until("it is accepted", func() bool { return answers(t, p.lab.Client) })
	p.only(at)
}

func TestNSAVirtualRouteIsTheMasters(t *testing.T) {
	p := two(t, pair.Config{Instances: []pair.Instance{plain("  virtual_route \"198.51.100.0/24\" {\n    via = \"10.77.0.9\"\n  }\n")}})
	has := func(r *pair.Router) bool {
		return p.run(r, "ip route show 198.51.100.0/24 | grep -q 'via 10.77.0.9'")
	}
	p.until("the master has the route", func() bool { return has(p.high) })
	p.holds(p.low, false)
	if has(p.low) {
		t.Error("the backup has the route")
	}
	p.ask(p.high, 0, "vrrp", "release", "VI_1")
	p.until("the route goes with the role", func() bool { return has(p.low) && !has(p.high) })
}
