package link

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// A box is a namespace with a monitor in it.
type box struct {
	*netspace.Space
	t *testing.T
	*Monitor
	told []Event // and not yet asked for
}

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{Space: netspace.New(t), t: t}
	b.ip("link", "add", "eth0", "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", "far0")
	b.Do(func() (err error) {
		b.Monitor, err = Open()
		return err
	})
	t.Cleanup(func() { b.Monitor.Close() })
	return b
}

func (b *box) ip(arguments ...string) {
	b.t.Helper()
	err := b.Try(func() error {
		if out, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		b.t.Fatalf("ip %s: %v", strings.Join(arguments, " "), err)
	}
}

// tells waits until the monitor has told of an event as a log would have it, passes over those before, and returns it.
func (b *box) tells(want string) Event {
	b.t.Helper()
	var passed []string
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); {
		for len(b.told) > 0 {
			e := b.told[0]
			if b.told = b.told[1:]; e.String() == want {
				return e
			}
			passed = append(passed, e.String())
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(b.FD()), Events: unix.POLLIN}}, 100); err != nil && err != unix.EINTR {
			b.t.Fatal(err)
		}
		var err error
		if b.told, err = b.Read(b.told); err != nil {
			b.t.Fatal(err)
		}
	}
	b.t.Fatalf("never told %q, but\n  %s", want, strings.Join(passed, "\n  "))
	return Event{}
}

func TestNSAnInterfacesLifeIsTold(t *testing.T) {
	b := newBox(t)
	l, ok := b.Link("eth0")
	if !ok || l.Up || l.Index == 0 || l.MTU != 1500 || l.Hardware != [6]byte{2, 0, 0, 0, 0, 1} {
		t.Errorf("eth0 at the start is %+v, %v", l, ok)
	}
	if _, ok := b.Link("eth9"); ok {
		t.Error("eth9 exists")
	}
	b.ip("link", "set", "eth0", "up") // but the other end is down: no carrier
	b.ip("link", "set", "far0", "up")
	b.tells("eth0: up")
	b.ip("link", "set", "eth0", "mtu", "1400")
	if e := b.tells("eth0: changed"); e.Link.MTU != 1400 {
		t.Errorf("MTU %d, want 1400", e.Link.MTU)
	}
	b.ip("link", "set", "far0", "down")
	b.tells("eth0: down") // by carrier
	b.ip("link", "set", "far0", "up")
	b.tells("eth0: up")
	b.ip("link", "set", "eth0", "down")
	b.tells("eth0: down") // by hand
	b.ip("link", "set", "eth0", "name", "lan0")
	b.tells("eth0: gone")
	b.tells("lan0: appeared")
	b.ip("link", "delete", "lan0")
	b.tells("lan0: gone")
	if _, ok := b.Link("lan0"); ok {
		t.Error("lan0 exists still")
	}
	b.ip("link", "add", "eth0", "type", "veth", "peer", "name", "far0")
	if e := b.tells("eth0: appeared"); e.Link.Index == l.Index {
		t.Error("a new interface has the old one's index")
	}
}

func TestNSAnAddressThatComesAndGoesIsTold(t *testing.T) {
	b := newBox(t)
	vip := netip.MustParseAddr("192.0.2.1")
	b.ip("address", "add", "192.0.2.1/24", "dev", "eth0")
	b.tells("eth0: address added 192.0.2.1/24")
	if !b.Holds("eth0", vip) || b.Holds("far0", vip) || b.Holds("eth0", netip.MustParseAddr("192.0.2.2")) {
		t.Error("Holds is wrong")
	}
	b.ip("address", "delete", "192.0.2.1/24", "dev", "eth0")
	b.tells("eth0: address removed 192.0.2.1/24")
	if b.Holds("eth0", vip) {
		t.Error("held still")
	}
	b.ip("address", "add", "2001:db8::1/64", "dev", "eth0", "nodad")
	b.tells("eth0: address added 2001:db8::1/64")
	b.ip("link", "set", "eth0", "up")
	b.ip("link", "set", "eth0", "down") // takes IPv6 addresses away
	b.tells("eth0: address removed 2001:db8::1/64")
}

func TestNSAnAddressIsThereWhenNobodyElseHasIt(t *testing.T) {
	b := newBox(t)
	b.Sysctl("net/ipv6/conf/eth0/accept_dad", "1")
	b.ip("link", "set", "eth0", "up")
	b.ip("link", "set", "far0", "up")
	b.ip("address", "add", "2001:db8::1/64", "dev", "eth0") // duplicate address detection takes a second
	b.Sysctl("net/ipv6/conf/eth0/dad_transmits", "1")
	start := time.Now()
	b.tells("eth0: address added 2001:db8::1/64")
	if time.Since(start) < 300*time.Millisecond {
		t.Error("it is told before it can be used")
	}
}

func TestNSThePrimaryAddressIsTheFirstThatIsNotVirtual(t *testing.T) {
	b := newBox(t)
	b.Sysctl("net/ipv6/conf/eth0/addr_gen_mode", "1")
	if a, ok := b.IPv4("eth0", nil); ok {
		t.Errorf("an interface without address has %v", a)
	}
	for _, a := range []string{"192.0.2.1/32", "192.0.2.11/24", "192.0.2.12/24", "fe80::1/64", "fe80::2/64", "2001:db8::1/64"} {
		b.ip("address", "add", a, "dev", "eth0", "nodad")
	}
	b.tells("eth0: address added 2001:db8::1/64")
	virtual := func(a netip.Addr) bool {
		return a == netip.MustParseAddr("192.0.2.1") || a == netip.MustParseAddr("fe80::1")
	}
	if a, ok := b.IPv4("eth0", virtual); !ok || a != netip.MustParseAddr("192.0.2.11") {
		t.Errorf("primary address %v, want 192.0.2.11", a)
	}
	if a, ok := b.IPv4("eth0", nil); !ok || a != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("primary address without virtual ones %v, want 192.0.2.1", a)
	}
	if a, ok := b.LinkLocal("eth0", virtual); !ok || a != netip.MustParseAddr("fe80::2") {
		t.Errorf("link-local address %v, want fe80::2", a)
	}
}

func TestNSAnAddressWithOurMarkIsVirtualWhateverTheConfigurationSays(t *testing.T) {
	b := newBox(t)
	eth0, _ := b.Link("eth0")
	var batch rtnetlink.Batch
	for _, a := range []rtnetlink.Address{
		{Index: eth0.Index, Local: netip.MustParsePrefix("192.0.2.1/32"), Protocol: rtnetlink.Mark},
		{Index: eth0.Index, Local: netip.MustParsePrefix("192.0.2.11/24")},
	} {
		batch.Append(a.Add(rtnetlink.Create))
	}
	if err := b.conn.Execute(&batch); err != nil {
		t.Fatal(err)
	}
	b.tells("eth0: address added 192.0.2.11/24")
	if a, ok := b.IPv4("eth0", nil); !ok || a != netip.MustParseAddr("192.0.2.11") {
		t.Errorf("primary address %v, want 192.0.2.11", a)
	}
}

func TestNSABridgePortThatIsTakenOutIsNoInterfaceThatIsGone(t *testing.T) {
	b := newBox(t)
	b.ip("link", "add", "br0", "type", "bridge")
	b.ip("link", "set", "eth0", "master", "br0")
	b.ip("link", "set", "eth0", "nomaster") // the kernel says RTM_DELLINK, of the bridge's port
	b.ip("link", "add", "last", "type", "bridge")
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		events, err := b.Read(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			switch e.String() {
			case "eth0: gone", "eth0: appeared":
				t.Error(e)
			case "last: appeared":
				return
			}
		}
	}
	t.Error("the last change is never told")
}

func TestNSLostChangesAreMadeUpFor(t *testing.T) {
	b := newBox(t)
	b.ip("address", "add", "192.0.2.99/24", "dev", "eth0")
	b.tells("eth0: address added 192.0.2.99/24")
	if err := unix.SetsockoptInt(b.FD(), unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
	for i := range 50 { // more than the socket can hold
		b.ip("address", "add", fmt.Sprintf("192.0.2.%d/24", i+1), "dev", "eth0")
	}
	b.ip("address", "delete", "192.0.2.99/24", "dev", "eth0")
	b.ip("link", "add", "eth1", "type", "veth", "peer", "name", "far1")
	b.ip("link", "set", "eth0", "mtu", "1400")
	b.ip("link", "delete", "eth0")
	b.ip("link", "add", "eth0", "type", "veth", "peer", "name", "far0")
	b.ip("address", "add", "192.0.2.51/24", "dev", "eth0")

	var told []string
	for b.Rereads() == 0 {
		events, err := b.Read(nil)
		if err != nil {
			t.Fatal(err)
		}
		if events == nil && b.Rereads() == 0 {
			t.Fatal("no change was lost")
		}
		for _, e := range events {
			told = append(told, e.String())
		}
	}
	for _, want := range []string{"eth0: gone", "eth0: appeared", "eth1: appeared", "eth0: address added 192.0.2.51/24"} {
		if !slices.Contains(told, want) {
			t.Errorf("not told: %s, but\n  %s", want, strings.Join(told, "\n  "))
		}
	}
	if !b.Holds("eth0", netip.MustParseAddr("192.0.2.51")) || b.Holds("eth0", netip.MustParseAddr("192.0.2.99")) {
		t.Error("the addresses are not those of the new eth0")
	}
}

func TestNSWhetherTheMachineIsARouterIsReadWhereItCounts(t *testing.T) {
	b := newBox(t)
	eth0, _ := b.Link("eth0")
	for _, want := range []bool{true, false} {
		b.Sysctl("net/ipv6/conf/eth0/forwarding", map[bool]string{true: "1", false: "0"}[want])
		if got, err := b.Forwards6(eth0.Index); got != want || err != nil {
			t.Errorf("forwards is %v, %v; want %v", got, err, want)
		}
	}
}
