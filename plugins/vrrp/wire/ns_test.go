package wire

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
)

// A router is one end of a veth pair: a namespace, its interface's index, and its addresses.
type router struct {
	space  *netspace.Space
	index  int
	v4, v6 netip.Addr // v6 is the link-local one
}

// pair joins two routers. The addresses may be "" for an interface without any IPv4 address; adverts leave from v4 even so.
func pair(t *testing.T, aCIDR, bCIDR string) (a, b router) {
	t.Helper()
	a = router{space: netspace.New(t), v4: netip.MustParseAddr("192.0.2.1")}
	b = router{space: netspace.New(t), v4: netip.MustParseAddr("192.0.2.2")}
	addresses := func(cidr, v6 string) []string {
		if cidr == "" {
			return []string{v6}
		}
		return []string{cidr, v6}
	}
	netspace.Join(a.space, "e0", addresses(aCIDR, "2001:db8::1/64"), b.space, "e0", addresses(bCIDR, "2001:db8::2/64"))
	for _, r := range []*router{&a, &b} {
		r.space.Sysctl("net/ipv4/conf/all/rp_filter", "0")
		r.space.Sysctl("net/ipv4/conf/e0/rp_filter", "0")
		r.space.Do(func() error {
			i, err := net.InterfaceByName("e0")
			if err != nil {
				return err
			}
			r.index = i.Index
			r.v6, err = linkLocal(i)
			return err
		})
	}
	return a, b
}

func linkLocal(i *net.Interface) (netip.Addr, error) {
	for range 100 {
		addrs, err := i.Addrs()
		if err != nil {
			return netip.Addr{}, err
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && p.Addr().IsLinkLocalUnicast() {
				return p.Addr(), nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return netip.Addr{}, fmt.Errorf("%s has no link-local address", i.Name)
}

// open opens a socket in the router's namespace that admits these virtual routers.
func (r router) open(t *testing.T, k Key, vrids ...uint8) *Socket {
	t.Helper()
	k.Index = r.index
	var s *Socket
	r.space.Do(func() (err error) {
		s, err = Open(k)
		return err
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var set VRIDs
	for _, v := range vrids {
		set[v] = true
	}
	if err := s.Admit(set); err != nil {
		t.Fatal(err)
	}
	return s
}

// hear reads what arrives at a socket until it has that many packets or time is up. Packets are copied.
func hear(t *testing.T, s *Socket, n int, within time.Duration) []Packet {
	t.Helper()
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Add(s.FD(), 1); err != nil {
		t.Fatal(err)
	}
	if err := p.SetDeadline(Now() + within); err != nil {
		t.Fatal(err)
	}
	var heard []Packet
	tokens := make([]Token, 4)
	for len(heard) < n {
		k, err := p.Wait(tokens)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range tokens[:k] {
			if token == Timer {
				return heard
			}
			got, err := s.Receive()
			if err != nil {
				t.Fatal(err)
			}
			for _, packet := range got {
				packet.Data = slices.Clone(packet.Data)
				heard = append(heard, packet)
			}
		}
	}
	return heard
}

// format is a virtual router's, as spoken from a source.
func format(t *testing.T, vrid uint8, source netip.Addr, change func(*advert.Params)) *advert.Format {
	t.Helper()
	p := advert.Params{Version: 3, VRID: vrid, Source: source, Interval: time.Second, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100")}}
	if source.Is6() {
		p.Addresses = []netip.Addr{netip.MustParseAddr("fe80::100")}
	}
	if change != nil {
		change(&p)
	}
	f, err := advert.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// exchange sends an advert from one router to the other, and parses what arrives there. Its TTL is the sender's.
func exchange(t *testing.T, from, to *Socket, sender, receiver *advert.Format, destination netip.Addr) {
	t.Helper()
	source, ttl := sender.Params().Source, sender.Params().TTL
	packet := sender.Append(nil, 120, destination)
	if err := from.Send(packet, advert.Meta{Source: source, Destination: destination, TTL: ttl}); err != nil {
		t.Fatalf("send to %v: %v", destination, err)
	}
	heard := hear(t, to, 1, time.Second)
	if len(heard) != 1 {
		t.Fatalf("%d packets arrived at %v", len(heard), destination)
	}
	if m := (advert.Meta{Source: source, Destination: destination, TTL: ttl}); heard[0].Meta != m {
		t.Errorf("the socket says %v, want %v", heard[0].Meta, m)
	}
	got, reason := receiver.Parse(heard[0].Data, heard[0].Meta)
	if reason != advert.Accepted || got.Priority != 120 || got.Source != source {
		t.Errorf("parsed %+v: %v", got, reason)
	}
}

func TestNSMulticastGoesBothWays(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	for _, ipv6 := range []bool{false, true} {
		group := advert.Group(ipv6)
		sa, sb := a.open(t, Key{Address: group}, 51), b.open(t, Key{Address: group}, 51)
		fa, fb := format(t, 51, a.address(ipv6), nil), format(t, 51, b.address(ipv6), nil)
		exchange(t, sa, sb, fa, fb, group)
		exchange(t, sb, sa, fb, fa, group)
		if echo := hear(t, sb, 1, 50*time.Millisecond); len(echo) > 0 {
			t.Errorf("a router hears itself: %v", echo)
		}
	}
}

func (r router) address(ipv6 bool) netip.Addr {
	if ipv6 {
		return r.v6
	}
	return r.v4
}

func TestNSMulticastNeedsNoIPv4Address(t *testing.T) {
	a, b := pair(t, "", "")
	group := advert.Group(false)
	sa, sb := a.open(t, Key{Address: group}, 51), b.open(t, Key{Address: group}, 51)
	exchange(t, sa, sb, format(t, 51, a.v4, nil), format(t, 51, b.v4, nil), group)
}

func TestNSUnicastGoesBothWays(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	for _, ipv6 := range []bool{false, true} {
		ka, kb := Key{Address: a.address(ipv6)}, Key{Address: b.address(ipv6)}
		sa, sb := a.open(t, ka, 51), b.open(t, kb, 51)
		peer := func(r router) func(*advert.Params) {
			return func(p *advert.Params) {
				p.Peers, p.CheckPeers = []advert.Peer{{Address: r.address(ipv6), MinTTL: 255}}, true
			}
		}
		fa, fb := format(t, 51, a.address(ipv6), peer(b)), format(t, 51, b.address(ipv6), peer(a))
		exchange(t, sa, sb, fa, fb, b.address(ipv6))
		exchange(t, sb, sa, fb, fa, a.address(ipv6))
	}
}

func TestNSTheAuthenticationHeaderHasItsOwnSocket(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	group := advert.Group(false)
	key := Key{Address: group, AH: true}
	sa, sb := a.open(t, key, 51), b.open(t, key, 51)
	plain := b.open(t, Key{Address: group}, 51)
	ah := func(p *advert.Params) { p.Version, p.Authentication, p.Password = 2, advert.AH, "secret" }
	exchange(t, sa, sb, format(t, 51, a.v4, ah), format(t, 51, b.v4, ah), group)
	if heard := hear(t, plain, 1, 50*time.Millisecond); len(heard) > 0 {
		t.Errorf("the socket of protocol 112 hears it too: %v", heard)
	}
}
