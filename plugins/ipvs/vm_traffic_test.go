package ipvs

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// A network is a client, a director and two real servers, each a namespace of its own:
//
//	client 10.1.0.2 -- 10.1.0.1 director 10.2.0.1 -- 10.2.0.2 real server 1 (way back over the director)
//	                                     10.3.0.1 -- 10.3.0.2 real server 2 (no way back to the client)
//
// and likewise 2001:db8:N::1 and ::2. The VIPs are 10.1.0.100 and 2001:db8:1::100. A real server answers a connection
// with its name and the address from which it came, on ports 80, 443 and 8080.
type network struct {
	client, director *netspace.Space
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{client: netspace.New(t), director: netspace.New(t)}
	netspace.Join(n.client, "eth0", []string{"10.1.0.2/24", "2001:db8:1::2/64"}, n.director, "front",
		[]string{"10.1.0.1/24", "2001:db8:1::1/64", "10.1.0.100/32", "2001:db8:1::100/128"})
	for i := 1; i <= 2; i++ {
		server := netspace.New(t)
		netspace.Join(server, "eth0", []string{fmt.Sprintf("10.%d.0.2/24", i+1), fmt.Sprintf("2001:db8:%d::2/64", i+1)}, n.director, fmt.Sprintf("back%d", i),
			[]string{fmt.Sprintf("10.%d.0.1/24", i+1), fmt.Sprintf("2001:db8:%d::1/64", i+1)})
		if i == 1 {
			server.Default("eth0", netip.MustParseAddr("10.2.0.1"))
			server.Default("eth0", netip.MustParseAddr("2001:db8:2::1"))
		}
		for _, port := range []int{80, 443, 8080} {
			server.Do(func() error {
				l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
				if err != nil {
					return err
				}
				t.Cleanup(func() { l.Close() })
				go answer(l, fmt.Sprintf("server %d", i))
				return nil
			})
		}
	}
	n.director.Sysctl("net/ipv4/ip_forward", "1")
	n.director.Sysctl("net/ipv6/conf/all/forwarding", "1")
	return n
}

func answer(l net.Listener, name string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
		fmt.Fprintf(c, "%s to %s", name, from.Addr().Unmap())
		c.Close()
	}
}

// get connects from a namespace and returns what the real server said, or the error.
func get(s *netspace.Space, address string) string {
	var got []byte
	err := s.Try(func() error {
		c, err := net.DialTimeout("tcp", address, 3*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Second))
		got, err = io.ReadAll(c)
		return err
	})
	if err != nil {
		return "error: " + err.Error()
	}
	return string(got)
}

// inDirector returns a Balancer of the director's kernel.
func (n *network) balancer(t *testing.T) *Balancer {
	t.Helper()
	var k kernel.Kernel
	n.director.Do(func() (err error) {
		k, err = kernel.Open(nil)
		return err
	})
	b := New(Options{Kernel: k, Packets: inSpace{n.director, nft.New()}, Sysctl: func(name, value string) (changed bool, err error) {
		n.director.Sysctl(name, value)
		return true, nil
	}})
	t.Cleanup(func() { b.Stop(t.Context(), true) })
	return b
}

// inSpace is nftables of a namespace.
type inSpace struct {
	space *netspace.Space
	table *nft.Table
}

func (s inSpace) Apply(r nft.Rules) (changed bool, err error) {
	err = s.space.Try(func() (err error) {
		changed, err = s.table.Apply(r)
		return err
	})
	return changed, err
}

func TestVMNatReachesARealServerOnAnotherPort(t *testing.T) {
	realKernel(t)
	n := newNetwork(t)
	b := n.balancer(t)
	for _, a := range []struct{ vip, server, client string }{{"10.1.0.100", "10.2.0.2", "10.1.0.2"}, {"2001:db8:1::100", "2001:db8:2::2", "2001:db8:1::2"}} {
		apply(t, b, full(1, sdk.Table{Services: []sdk.Service{{
			Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.MustParseAddr(a.vip), Port: 80}, Scheduler: "rr",
			Destinations: []sdk.Destination{{Address: netip.MustParseAddr(a.server), Port: 8080, Forward: sdk.NAT, Weight: 1}},
		}}}))
		if got, want := get(n.client, net.JoinHostPort(a.vip, "80")), "server 1 to "+a.client; got != want {
			t.Errorf("%s: got %q, want %q", a.vip, got, want)
		}
	}
}

// needNftables skips a test in Debian's User Mode Linux, whose nf_tables is built without any family of IP. The same test
// runs under QEMU, with Debian's own kernel.
func needNftables(t *testing.T) {
	t.Helper()
	s := netspace.New(t)
	probe := nft.Rules{Marks: []nft.Mark{{Packets: nft.Packets{Address: netip.MustParseAddr("192.0.2.1"), Protocol: 6}, Mark: 1}}}
	_, err := inSpace{s, nft.New()}.Apply(probe)
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	switch {
	case errors.Is(err, nft.ErrNoInet) && strings.Contains(string(cpu), "User Mode Linux"):
		t.Skip("Debian's User Mode Linux has nf_tables without the family inet: runs in a virtual machine of QEMU")
	case err != nil:
		t.Fatal(err)
	}
}

func TestVMFullNATNeedsNoWayBackFromTheRealServer(t *testing.T) {
	realKernel(t)
	needNftables(t)
	n := newNetwork(t)
	b := n.balancer(t)
	for _, a := range []struct{ vip, server, director string }{{"10.1.0.100", "10.3.0.2", "10.3.0.1"}, {"2001:db8:1::100", "2001:db8:3::2", "2001:db8:3::1"}} {
		service := sdk.Service{
			Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.MustParseAddr(a.vip), Port: 80}, Scheduler: "rr",
			Destinations: []sdk.Destination{{Address: netip.MustParseAddr(a.server), Port: 8080, Forward: sdk.NAT, Weight: 1}},
		}
		address := net.JoinHostPort(a.vip, "80")
		apply(t, b, full(1, sdk.Table{Services: []sdk.Service{service}}))
		if got := get(n.client, address); got[:6] != "error:" {
			t.Fatalf("%s with nat: got %q, want no answer: the real server has no way back", a.vip, got)
		}
		service.Destinations[0].Forward = sdk.FullNAT
		apply(t, b, full(2, sdk.Table{Services: []sdk.Service{service}}))
		if got, want := get(n.client, address), "server 2 to "+a.director; got != want {
			t.Errorf("%s with fullnat: got %q, want %q", a.vip, got, want)
		}
		if o, err := b.Read(t.Context()); err != nil || o.Services[0].Destinations[0].Forward != sdk.FullNAT {
			t.Errorf("read %+v, %v, want fullnat", o.Services, err)
		}
	}
}

func TestVMOnePoolBehindTwoPortsByMatch(t *testing.T) {
	realKernel(t)
	needNftables(t)
	n := newNetwork(t)
	b := n.balancer(t)
	for _, a := range []struct {
		vip, server string
		forward     sdk.Forward
		want        string
	}{
		{"10.1.0.100", "10.2.0.2", sdk.NAT, "server 1 to 10.1.0.2"},
		{"2001:db8:1::100", "2001:db8:2::2", sdk.NAT, "server 1 to 2001:db8:1::2"},
		{"10.1.0.100", "10.3.0.2", sdk.FullNAT, "server 2 to 10.3.0.1"},
	} {
		vip := netip.MustParseAddr(a.vip)
		apply(t, b, full(1, sdk.Table{Services: []sdk.Service{{
			Key: sdk.ServiceKey{Mark: 99, IPv6: vip.Is6()}, Scheduler: "rr",
			Persistence:  sdk.Persistence{Timeout: time.Minute},
			Match:        []sdk.Match{{Address: vip, Protocol: sdk.TCP, Ports: []sdk.PortRange{{First: 80, Last: 80}, {First: 440, Last: 450}}}},
			Destinations: []sdk.Destination{{Address: netip.MustParseAddr(a.server), Forward: a.forward, Weight: 1}},
		}}}))
		for _, port := range []string{"80", "443"} {
			if got := get(n.client, net.JoinHostPort(a.vip, port)); got != a.want {
				t.Errorf("%s port %s: got %q, want %q", a.vip, port, got, a.want)
			}
		}
		if got := get(n.client, net.JoinHostPort(a.vip, "8080")); got[:6] != "error:" {
			t.Errorf("%s port 8080 is not in the match and answers %q", a.vip, got)
		}
	}
	apply(t, b, full(2, sdk.Table{}))
	if got := get(n.client, "10.1.0.100:80"); got[:6] != "error:" {
		t.Errorf("removed, and answers %q", got)
	}
}
