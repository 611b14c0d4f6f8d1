package vmac

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
	"github.com/evenkeel/evenkeel/plugins/vrrp/address"
)

// A pair is a director with eth0 (192.0.2.11/24, 2001:db8::11/64) and a client on the same wire.
type pair struct {
	t                *testing.T
	director, client *netspace.Space
	kernel           *Kernel
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, director: netspace.New(t), client: netspace.New(t)}
	netspace.Join(p.director, "eth0", []string{"192.0.2.11/24", "2001:db8::11/64"}, p.client, "eth0", []string{"192.0.2.12/24", "2001:db8::12/64"})
	p.director.Do(func() (err error) {
		p.kernel, err = Open()
		return err
	})
	t.Cleanup(func() { p.kernel.Close() })
	return p
}

func (p *pair) run(space *netspace.Space, command ...string) string {
	p.t.Helper()
	var out []byte
	err := space.Try(func() (err error) {
		if out, err = exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		p.t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return string(out)
}

func (p *pair) ensure(r Router) (created bool) {
	p.t.Helper()
	p.director.Do(func() (err error) {
		created, err = p.kernel.Ensure(r)
		return err
	})
	return created
}

func (p *pair) remove(r Router) (removed bool) {
	p.t.Helper()
	p.director.Do(func() (err error) {
		removed, err = p.kernel.Remove(r)
		return err
	})
	return removed
}

func (p *pair) sweep(keep ...Router) (removed []string) {
	p.t.Helper()
	p.director.Do(func() (err error) {
		removed, err = p.kernel.Sweep(keep...)
		return err
	})
	slices.Sort(removed)
	return removed
}

func (p *pair) hold(interfaceName string, prefixes ...string) {
	p.t.Helper()
	p.director.Do(func() error {
		k, err := address.Open()
		if err != nil {
			return err
		}
		p.t.Cleanup(func() { k.Close() })
		var list []address.Address
		for _, prefix := range prefixes {
			list = append(list, address.Address{Prefix: netip.MustParsePrefix(prefix), Interface: interfaceName, Metric: Metric})
		}
		s, err := k.NewSet(list, nil)
		if err != nil {
			return err
		}
		for _, c := range s.Add() {
			if c.Err != nil {
				return c.Err
			}
		}
		return nil
	})
}

// asks has the client ask an address of the director's by UDP, and fails the test without an answer.
func (p *pair) asks(address string) {
	p.t.Helper()
	var l, c net.Conn
	p.director.Do(func() error {
		a, err := net.ResolveUDPAddr("udp", net.JoinHostPort(address, "7777"))
		if err != nil {
			return err
		}
		l, err = net.ListenUDP("udp", a)
		return err
	})
	defer l.Close()
	p.client.Do(func() (err error) {
		c, err = net.Dial("udp", net.JoinHostPort(address, "7777"))
		return err
	})
	defer c.Close()
	deadline := time.Now().Add(6 * time.Second) // IPv6 looks for neighbours when its link-local address is ready
	l.SetDeadline(deadline)
	c.SetDeadline(deadline)
	if _, err := c.Write([]byte("ping")); err != nil {
		p.t.Fatal(err)
	}
	b := make([]byte, 10)
	_, from, err := l.(*net.UDPConn).ReadFrom(b)
	if err != nil {
		p.t.Fatalf("%s does not hear: %v", address, err)
	}
	if _, err := l.(*net.UDPConn).WriteTo([]byte("pong"), from); err != nil {
		p.t.Fatal(err)
	}
	if _, err := c.Read(b); err != nil {
		p.t.Fatalf("%s is heard, but its answer does not come: %v", address, err)
	}
}

// answers returns the hardware addresses of all who answer an ARP request of the client's.
func (p *pair) answers(ip string) (hardware []string) {
	p.t.Helper()
	p.client.Do(func() error {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		question, err := arp.NewPacket(arp.OperationRequest, i.HardwareAddr, netip.MustParseAddr("192.0.2.12"), make(net.HardwareAddr, 6), netip.MustParseAddr(ip))
		if err != nil {
			return err
		}
		data, err := question.MarshalBinary()
		if err != nil {
			return err
		}
		c, err := packet.Listen(i, packet.Datagram, unix.ETH_P_ARP, nil)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.WriteTo(data, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
			return err
		}
		c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		for b := make([]byte, 100); ; {
			n, _, err := c.ReadFrom(b)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return nil
			}
			if err != nil {
				return err
			}
			var a arp.Packet
			if err := a.UnmarshalBinary(b[:n]); err != nil {
				return err
			}
			if a.Operation == arp.OperationReply && a.SenderIP.String() == ip {
				hardware = append(hardware, a.SenderHardwareAddr.String())
			}
		}
	})
	return hardware
}

func TestNSAVirtualAddressIsReachedByItsVirtualHardwareAddressOnly(t *testing.T) {
	for _, rpFilter := range []string{"0", "1"} {
		p := newPair(t)
		p.director.Sysctl("net/ipv4/conf/all/rp_filter", rpFilter)
		p.director.Sysctl("net/ipv4/conf/default/rp_filter", rpFilter)
		v4, v6 := Router{ID: 51, Over: "eth0"}, Router{ID: 51, V6: true, Over: "eth0"}
		if !p.ensure(v4) || !p.ensure(v6) {
			t.Error("not created")
		}
		p.hold("vrrp.51", "192.0.2.1/24")
		p.hold("vrrp6.51", "2001:db8::1/64")
		p.asks("192.0.2.1")
		p.asks("2001:db8::1")
		p.asks("192.0.2.11")
		for ip, want := range map[string]string{"192.0.2.1": "lladdr 00:00:5e:00:01:33", "2001:db8::1": "lladdr 00:00:5e:00:02:33"} {
			if got := p.run(p.client, "ip", "neighbour", "show", ip); !strings.Contains(got, want) {
				t.Errorf("the client's entry is %q, want %s", got, want)
			}
		}
		if got := p.run(p.client, "ip", "neighbour", "show", "192.0.2.11"); strings.Contains(got, "00:00:5e") {
			t.Errorf("the director's own address has the virtual hardware address: %s", got)
		}
		if got := p.answers("192.0.2.1"); !slices.Equal(got, []string{"00:00:5e:00:01:33"}) {
			t.Errorf("who has 192.0.2.1? %q; want one answer, by the virtual hardware address", got)
		}
		if got := p.answers("192.0.2.11"); len(got) != 1 || got[0] == "00:00:5e:00:01:33" {
			t.Errorf("who has 192.0.2.11? %q; want one answer, by the interface's own hardware address", got)
		}
		// The director's own packets leave by the interface below, from its own address.
		if out := p.run(p.director, "ip", "route", "get", "192.0.2.12"); !strings.Contains(out, "dev eth0 src 192.0.2.11") {
			t.Errorf("the way to the client is %s", out)
		}
	}
}

func TestNSAMacvlanIsAsItShouldBeAdoptedAndRemoved(t *testing.T) {
	p := newPair(t)
	r := Router{ID: 7, Over: "eth0", Name: "vip0"}
	p.ensure(r)
	before := p.run(p.director, "ip", "-details", "link", "show", "vip0")
	for _, want := range []string{"vip0@eth0", "00:00:5e:00:01:07", "macvlan mode private", "LOWER_UP", "addrgenmode none"} {
		if !strings.Contains(before, want) {
			t.Errorf("no %q in %s", want, before)
		}
	}
	if out := p.run(p.director, "ip", "address", "show", "vip0"); strings.Contains(out, "inet") {
		t.Errorf("it has an address by itself: %s", out)
	}
	for name, want := range map[string]string{"vip0/arp_ignore": "1", "vip0/arp_filter": "0", "vip0/accept_local": "1", "eth0/arp_ignore": "1", "eth0/arp_announce": "2"} {
		if got := p.run(p.director, "cat", "/proc/sys/net/ipv4/conf/"+name); strings.TrimSpace(got) != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if p.ensure(r) {
		t.Error("one that is there is made again")
	}
	if after := p.run(p.director, "ip", "-details", "link", "show", "vip0"); after != before {
		t.Errorf("it has changed:\n%s\n%s", before, after)
	}
	other := r
	other.ID = 8
	if !p.ensure(other) {
		t.Error("one of ours with another hardware address is not made anew")
	}
	if !p.remove(other) {
		t.Error("not removed")
	}
	if p.remove(other) {
		t.Error("removed twice")
	}
}

func TestNSAnotherInterfaceOfTheNameIsLeftAlone(t *testing.T) {
	p := newPair(t)
	p.run(p.director, "ip", "link", "add", "vrrp.9", "type", "veth", "peer", "name", "far9")
	r := Router{ID: 9, Over: "eth0"}
	ensure := func() error {
		return p.director.Try(func() error {
			_, err := p.kernel.Ensure(r)
			return err
		})
	}
	err := ensure()
	if want := "virtual MAC interface vrrp.9 over eth0: an interface of this name exists, and is not such a one"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if p.remove(r) {
		t.Error("removed")
	}
	r.Over = "eth9"
	err = ensure()
	if want := "virtual MAC interface vrrp.9 over eth9: interface eth9 does not exist"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	p.run(p.director, "ip", "link", "show", "vrrp.9")
}

func TestNSWhatAPredecessorLeftIsSwept(t *testing.T) {
	p := newPair(t)
	for id := range uint8(4) {
		p.ensure(Router{ID: id, Over: "eth0"})
	}
	p.run(p.director, "ip", "link", "add", "mine", "link", "eth0", "type", "macvlan", "mode", "private")
	if removed := p.sweep(Router{ID: 1, Over: "eth0"}, Router{ID: 2, Over: "eth0"}); !slices.Equal(removed, []string{"vrrp.0", "vrrp.3"}) {
		t.Errorf("removed %q; want vrrp.0 and vrrp.3", removed)
	}
	for _, name := range []string{"vrrp.1", "vrrp.2", "mine"} {
		p.run(p.director, "ip", "link", "show", name)
	}
}

// To replace a table of nftables takes 10 ms, in which nobody's adverts are sent.
func TestNSWhatIsThereIsNotMadeAnew(t *testing.T) {
	p := newPair(t)
	r := Router{ID: 51, Over: "eth0"}
	p.ensure(r)
	p.director.Do(func() error {
		c := &nftables.Conn{}
		c.AddChain(&nftables.Chain{Name: "mark", Table: tableOf("vrrp.51")})
		if err := c.Flush(); err != nil {
			t.Skipf("the kernel has no nftables at an interface's egress: %v", err)
		}
		return nil
	})
	p.ensure(r)
	p.director.Do(func() error {
		chains, err := (&nftables.Conn{}).ListChainsOfTableFamily(nftables.TableFamilyNetdev)
		if !slices.ContainsFunc(chains, func(c *nftables.Chain) bool { return c.Name == "mark" }) {
			t.Error("the table has been made anew")
		}
		return err
	})
}
