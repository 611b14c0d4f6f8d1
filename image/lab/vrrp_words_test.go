package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/pair"
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
	client, err := p.lab.AddHost(ctx, "client", lab.Front, "10.77.0.9/24")
	if err != nil {
		t.Fatal(err)
	}
	neighbor := func() string {
		out, _, err := client.Run(ctx, "ping -c 1 -W 1 10.77.0.100 >/dev/null; ip neighbor show 10.77.0.100")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const mac = "00:00:5e:00:01:33"
	p.until("the client knows the virtual MAC", func() bool { return strings.Contains(neighbor(), mac) })
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
	// The machine is alive, its router was killed: whoever comes back takes the address off, or off its neighbors.
	p.start(p.high)
	back := p.await(time.Now(), "the first comes back", by(p.high, 150))
	p.until("the client reaches the address by the same MAC", func() bool {
		out, exit, err := client.Run(ctx, "ping -c 1 -W 1 10.77.0.100")
		return err == nil && exit == 0 && strings.Contains(out, " 0% packet loss") && strings.Contains(neighbor(), mac)
	})
	if back.MAC.String() != mac {
		t.Errorf("its adverts come from %s", back.MAC)
	}
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
	if !p.run(p.low, "ping -c 1 -W 2 10.77.0.1") {
		t.Error("the router itself does not answer")
	}
	if p.run(p.low, "ping -c 1 -W 1 10.77.0.100") {
		t.Error("an address that is not accepted answers a ping")
	}
	if !p.run(p.low, "ip neighbor show 10.77.0.100 | grep -q lladdr") {
		t.Error("it does not answer ARP")
	}
	yes := plain("  accept            = true\n")
	if err := p.high.Configure(pair.Config{Instances: []pair.Instance{yes}}); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	p.ask(p.high, 0, "reload")
	p.until("it is accepted", func() bool { return p.run(p.low, "ping -c 1 -W 1 10.77.0.100") })
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

// Where every third advert is lost there are fail-overs, and each is over; when none is lost, so is that.
func TestNSAPairThatLosesAdvertsEndsWithOneMaster(t *testing.T) {
	p := two(t, pair.Config{Instances: []pair.Instance{plain("")}})
	lossy := "nft -f - <<'EOF'\ntable ip lossy {\n chain in {\n  type filter hook prerouting priority -300\n  ip protocol 112 numgen random mod 3 == 0 drop\n }\n}\nEOF"
	for _, r := range []*pair.Router{p.high, p.low} {
		out, exit, err := r.Host.Run(ctx, lossy)
		if err != nil {
			t.Fatal(err)
		}
		if exit != 0 {
			t.Skipf("this kernel, or this machine's nft, drops nothing at random: %s", out)
		}
	}
	begin := time.Now()
	p.await(begin.Add(5*time.Second), "the master goes on", by(p.high, 150))
	for _, r := range []*pair.Router{p.high, p.low} {
		p.run(r, "nft delete table ip lossy")
	}
	healed := time.Now()
	p.holds(p.low, false)
	p.holds(p.high, true)
	p.await(healed.Add(time.Second), "the master goes on", by(p.high, 150))
	for _, f := range p.wire.Since(healed.Add(time.Second)) {
		if by(p.low, 100)(f) {
			t.Fatalf("the backup goes on: %v", f)
		}
	}
	adverts := map[bool]int{}
	for _, f := range p.wire.Since(begin) {
		adverts[by(p.low, 100)(f)]++
	}
	t.Logf("%d frames, %d of them adverts of the backup", adverts[true]+adverts[false], adverts[true])
}
