package address

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// pair returns a box and a neighbour of it, with 192.0.2.12 and 2001:db8::12.
func pair(t *testing.T) (b, neighbour *box) {
	t.Helper()
	b, neighbour = &box{Space: netspace.New(t), t: t}, &box{Space: netspace.New(t), t: t}
	netspace.Join(b.Space, "eth0", []string{"192.0.2.11/24", "2001:db8::11/64"}, neighbour.Space, "eth0", []string{"192.0.2.12/24", "2001:db8::12/64"})
	b.Do(func() (err error) {
		b.kernel, err = Open()
		return err
	})
	t.Cleanup(func() { b.kernel.Close() })
	return b, neighbour
}

// hears says whether a datagram from the neighbour to an address of the box arrives there.
func (b *box) hears(neighbour *box, address string) bool {
	b.t.Helper()
	var l net.PacketConn
	b.Do(func() (err error) {
		l, err = net.ListenPacket("udp", ":7777")
		return err
	})
	defer l.Close()
	neighbour.Do(func() error {
		c, err := net.Dial("udp", net.JoinHostPort(address, "7777"))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("x"))
		return err
	})
	l.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	_, _, err := l.ReadFrom(make([]byte, 10))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		b.t.Fatal(err)
	}
	return err == nil
}

func (b *box) refuse(addresses ...string) (changed bool) {
	b.t.Helper()
	var list []netip.Addr
	for _, a := range addresses {
		list = append(list, netip.MustParseAddr(a))
	}
	b.Do(func() (err error) {
		changed, err = NewRefusal().Apply(list)
		return err
	})
	return changed
}

func TestNSPacketsToARefusedAddressAreDroppedAndNeighboursStillFindIt(t *testing.T) {
	b, neighbour := pair(t)
	b.set(on("192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64", "2001:db8::2/64")).Add()
	if b.refuse() {
		t.Error("to refuse nothing wrote something")
	}
	if !b.refuse("2001:db8::1", "192.0.2.1") {
		t.Error("to refuse two addresses wrote nothing")
	}
	if b.refuse("192.0.2.1", "2001:db8::1", "192.0.2.1") {
		t.Error("to refuse the same two again wrote something")
	}
	for address, want := range map[string]bool{"192.0.2.1": false, "2001:db8::1": false, "192.0.2.2": true, "2001:db8::2": true} {
		if got := b.hears(neighbour, address); got != want {
			t.Errorf("%s accepts is %v, want %v", address, got, want)
		}
	}
	// The neighbour knows the hardware address, by ARP and by neighbour discovery: also when it asks the address itself.
	entry := neighbour.ip("-6", "neighbour", "show", "2001:db8::1")
	neighbour.contains(entry, "lladdr", "!FAILED", "!INCOMPLETE")
	neighbour.contains(neighbour.ip("neighbour", "show", "192.0.2.1"), "lladdr")
	neighbour.ip("-6", "neighbour", "change", "2001:db8::1", "dev", "eth0", "nud", "probe")
	deadline := time.Now().Add(5 * time.Second)
	for !slices.Contains(words(neighbour.ip("-6", "neighbour", "show", "2001:db8::1")), "REACHABLE") {
		if time.Now().After(deadline) {
			t.Fatalf("a unicast solicitation got no answer: %s", neighbour.ip("-6", "neighbour", "show", "2001:db8::1"))
		}
		time.Sleep(10 * time.Millisecond)
	}

	if !b.refuse("192.0.2.2") {
		t.Error("to refuse another address wrote nothing")
	}
	for address, want := range map[string]bool{"192.0.2.1": true, "192.0.2.2": false, "2001:db8::1": true} {
		if got := b.hears(neighbour, address); got != want {
			t.Errorf("%s accepts is %v, want %v", address, got, want)
		}
	}
	if !b.refuse() || !b.hears(neighbour, "192.0.2.2") {
		t.Error("the last refusal did not go")
	}
	b.Do(func() error {
		tables, err := (&nftables.Conn{}).ListTables()
		if len(tables) != 0 {
			t.Errorf("%d tables are left", len(tables))
		}
		return err
	})
}

func TestNSARefusalThatSomebodyTamperedWithIsMadeAnew(t *testing.T) {
	b := newBox(t)
	b.refuse("192.0.2.1")
	b.Do(func() error {
		c := &nftables.Conn{}
		c.FlushChain(&nftables.Chain{Name: "input", Table: &nftables.Table{Name: Refused, Family: nftables.TableFamilyINet}})
		return c.Flush()
	})
	if !b.refuse("192.0.2.1") {
		t.Error("a chain without rules was taken for whole")
	}
	if b.refuse("192.0.2.1") {
		t.Error("it is not whole now")
	}
}
