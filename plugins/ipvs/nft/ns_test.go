package nft

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// newSpace returns a namespace in which packets marked 99 are taken for the machine's own, and others to 192.0.2.1 and
// 2001:db8::1 are lost: behind the interface is nobody. So a listener hears what was marked.
func newSpace(t *testing.T) *netspace.Space {
	t.Helper()
	s := netspace.New(t)
	netspace.Join(s, "lost", []string{"198.51.100.1/24", "2001:db8:f::1/64"}, netspace.New(t), "nobody", nil)
	s.Default("lost", netip.IPv4Unspecified())
	s.Default("lost", netip.IPv6Unspecified())
	s.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			bits := map[int]int{unix.AF_INET: 32, unix.AF_INET6: 128}[family]
			rule := netlink.NewRule()
			rule.Family, rule.Mark, rule.Table = family, 99, 100
			if err := netlink.RuleAdd(rule); err != nil {
				return fmt.Errorf("rule: %w", err)
			}
			all := &net.IPNet{IP: make(net.IP, bits/8), Mask: make(net.IPMask, bits/8)}
			err := netlink.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: all, Table: 100, Type: unix.RTN_LOCAL, Scope: unix.RT_SCOPE_HOST})
			if err != nil {
				return fmt.Errorf("route: %w", err)
			}
		}
		return nil
	})
	return s
}

// hears says whether a datagram sent from one namespace to an address arrives at a listener in the other.
func hears(t *testing.T, from, at *netspace.Space, address string) bool {
	t.Helper()
	to := netip.MustParseAddrPort(address)
	var l net.PacketConn
	at.Do(func() (err error) {
		l, err = net.ListenPacket("udp", fmt.Sprintf(":%d", to.Port()))
		return err
	})
	defer l.Close()
	from.Do(func() error {
		c, err := net.ListenPacket("udp", ":0")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(to))
		return err
	})
	l.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	_, _, err := l.ReadFrom(make([]byte, 10))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return err == nil
}

func apply(t *testing.T, s *netspace.Space, r Rules) (changed bool) {
	t.Helper()
	s.Do(func() (err error) {
		changed, err = New().Apply(r)
		return err
	})
	return changed
}

func udp(address string, first, last uint16) Mark {
	return Mark{Packets{Address: netip.MustParseAddr(address), Protocol: unix.IPPROTO_UDP, First: first, Last: last}, 99}
}

func TestNSTheMachinesOwnPacketsAreMarked(t *testing.T) {
	s := newSpace(t)
	if hears(t, s, s, "192.0.2.1:5000") {
		t.Fatal("heard without rules: the test tests nothing")
	}
	apply(t, s, Rules{Marks: []Mark{udp("192.0.2.1", 5000, 5000), udp("192.0.2.1", 6000, 6010), udp("2001:db8::1", 0, 0), {packets("192.0.2.3", 5000, 5000), 99}}})
	for address, want := range map[string]bool{
		"192.0.2.1:5000": true, "192.0.2.1:5001": false, "192.0.2.2:5000": false,
		"192.0.2.1:5999": false, "192.0.2.1:6000": true, "192.0.2.1:6005": true, "192.0.2.1:6010": true, "192.0.2.1:6011": false,
		"[2001:db8::1]:7": true, "[2001:db8::2]:7": false, "192.0.2.3:5000": false, // that one is for tcp
	} {
		if got := hears(t, s, s, address); got != want {
			t.Errorf("%s: marked %v, want %v", address, got, want)
		}
	}
	apply(t, s, Rules{})
	if hears(t, s, s, "192.0.2.1:5000") {
		t.Error("heard after the rules are gone")
	}
}

func TestNSPacketsOfOthersAreMarked(t *testing.T) {
	s, client := newSpace(t), netspace.New(t)
	netspace.Join(client, "eth0", []string{"10.9.0.2/24", "2001:db8:9::2/64"}, s, "eth0", []string{"10.9.0.1/24", "2001:db8:9::1/64"})
	client.Default("eth0", netip.MustParseAddr("10.9.0.1"))
	client.Default("eth0", netip.MustParseAddr("2001:db8:9::1"))
	apply(t, s, Rules{Marks: []Mark{udp("192.0.2.1", 5000, 5000), udp("2001:db8::1", 5000, 5000)}})
	for address, want := range map[string]bool{"192.0.2.1:5000": true, "192.0.2.1:5001": false, "[2001:db8::1]:5000": true, "[2001:db8::1]:5001": false} {
		if got := hears(t, client, s, address); got != want {
			t.Errorf("%s: marked %v, want %v", address, got, want)
		}
	}
}

// IPVS rewrites the destination of a fullnat service's packets; here a rule of another table does, in its place.
func TestNSMasqueradeIsForTheServicesPacketsAlone(t *testing.T) {
	director, client, server := netspace.New(t), netspace.New(t), netspace.New(t)
	netspace.Join(client, "eth0", []string{"10.9.0.2/24"}, director, "front", []string{"10.9.0.1/24"})
	netspace.Join(server, "eth0", []string{"10.8.0.2/24"}, director, "back", []string{"10.8.0.1/24"})
	client.Default("eth0", netip.MustParseAddr("10.9.0.1"))
	server.Default("eth0", netip.MustParseAddr("10.8.0.1"))
	director.Sysctl("net/ipv4/ip_forward", "1")
	director.Do(func() error { return redirect("192.0.2.1", "10.8.0.2", 5353) })

	from := func(address string) string {
		t.Helper()
		to := netip.MustParseAddrPort(address)
		var l net.PacketConn
		server.Do(func() (err error) { l, err = net.ListenPacket("udp", ":5353"); return err })
		defer l.Close()
		client.Do(func() error {
			c, err := net.ListenPacket("udp", ":0")
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(to))
			return err
		})
		l.SetReadDeadline(time.Now().Add(time.Second))
		_, a, err := l.ReadFrom(make([]byte, 10))
		if err != nil {
			t.Fatal(err)
		}
		return a.(*net.UDPAddr).AddrPort().Addr().Unmap().String()
	}
	if got := from("192.0.2.1:53"); got != "10.9.0.2" {
		t.Fatalf("without rules the server sees %s", got)
	}
	apply(t, director, Rules{Masquerade: []Masquerade{{
		Service: Packets{Address: netip.MustParseAddr("192.0.2.1"), Protocol: unix.IPPROTO_UDP, First: 53, Last: 53},
		Server:  netip.MustParseAddr("10.8.0.2"), Port: 5353,
	}}})
	for address, want := range map[string]string{
		"192.0.2.1:53":  "10.8.0.1", // the service
		"192.0.2.1:54":  "10.9.0.2", // another port of the VIP, to the same server
		"10.8.0.2:5353": "10.9.0.2", // straight to the server
	} {
		if got := from(address); got != want {
			t.Errorf("%s: the server sees %s, want %s", address, got, want)
		}
	}
}

// redirect rewrites the destination of every UDP packet to an address.
func redirect(address, server string, port uint16) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Name: "test", Family: nftables.TableFamilyINet})
	in := c.AddChain(&nftables.Chain{Table: table, Name: "in", Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityNATDest})
	var b builder
	a := netip.MustParseAddr(address)
	b.family(a)
	b.destination(a)
	b.protocol(unix.IPPROTO_UDP)
	b.add(
		&expr.Immediate{Register: 1, Data: netip.MustParseAddr(server).AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2, Specified: true})
	c.AddRule(&nftables.Rule{Table: table, Chain: in, Exprs: b})
	return c.Flush()
}

func TestNSTheTableIsWrittenOnlyWhenItIsNotAsItShouldBe(t *testing.T) {
	s := netspace.New(t)
	r := Rules{
		Marks:      []Mark{udp("192.0.2.1", 5000, 5000), udp("2001:db8::1", 1, 65535)},
		Masquerade: []Masquerade{{Mark: 99, Server: netip.MustParseAddr("10.8.0.2")}, {Service: packets("192.0.2.1", 80, 80), Server: netip.MustParseAddr("10.8.0.2"), Port: 80}},
	}
	if apply(t, s, Rules{}) {
		t.Error("no rules over no table: written")
	}
	if !apply(t, s, r) {
		t.Error("rules over no table: not written")
	}
	if apply(t, s, r) {
		t.Error("the same rules: written")
	}

	// What somebody else does to the table is found, and what they do elsewhere is not our business.
	edit := func(f func(*nftables.Conn, *nftables.Table)) {
		t.Helper()
		s.Do(func() error {
			c, err := nftables.New()
			if err != nil {
				return err
			}
			f(c, &nftables.Table{Name: Name, Family: nftables.TableFamilyINet})
			return c.Flush()
		})
	}
	chain := func(table *nftables.Table, name string) *nftables.Chain {
		return &nftables.Chain{Table: table, Name: name}
	}
	for what, f := range map[string]func(*nftables.Conn, *nftables.Table){
		"a chain is emptied": func(c *nftables.Conn, table *nftables.Table) { c.FlushChain(chain(table, "mark_in")) },
		"a rule comes": func(c *nftables.Conn, table *nftables.Table) {
			c.AddRule(&nftables.Rule{Table: table, Chain: chain(table, "mark_out"), Exprs: []expr.Any{&expr.Counter{}}})
		},
		"a chain comes":  func(c *nftables.Conn, table *nftables.Table) { c.AddChain(chain(table, "more")) },
		"the table goes": func(c *nftables.Conn, table *nftables.Table) { c.DelTable(table) },
	} {
		edit(f)
		if !apply(t, s, r) {
			t.Errorf("%s: not repaired", what)
		}
		if apply(t, s, r) {
			t.Errorf("%s: repaired twice", what)
		}
	}
	edit(func(c *nftables.Conn, _ *nftables.Table) {
		c.AddTable(&nftables.Table{Name: "somebody_elses", Family: nftables.TableFamilyINet})
	})
	if apply(t, s, r) {
		t.Error("another table comes: written")
	}
	if !apply(t, s, Rules{}) || apply(t, s, Rules{}) {
		t.Error("no rules over a table: want it removed, once")
	}
	s.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
		if err != nil || len(tables) != 1 || tables[0].Name != "somebody_elses" {
			return fmt.Errorf("tables left: %v, %v, want somebody_elses alone", tables, err)
		}
		return nil
	})
}

func TestNSSomeThousandRulesFitIntoOneTransaction(t *testing.T) {
	s := netspace.New(t)
	var r Rules
	for port := range uint16(3000) {
		r.Marks = append(r.Marks, udp("192.0.2.1", port+1, port+1))
	}
	if !apply(t, s, r) || apply(t, s, r) {
		t.Error("want them written, once")
	}
}
