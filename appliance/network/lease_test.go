package network

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

func ack(t *testing.T, options ...dhcpv4.Option) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.New(dhcpv4.WithYourIP(net.IPv4(192, 0, 2, 50)))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		m.UpdateOption(o)
	}
	return m
}

func TestALeaseHasWhatTheServerSays(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ip, prefix := netip.MustParseAddr, netip.MustParsePrefix
	for name, c := range map[string]struct {
		options []dhcpv4.Option
		want    Lease
	}{
		"nothing but an address": {nil, Lease{Address: prefix("192.0.2.50/32"), Renew: now.Add(30 * time.Minute), Expires: now.Add(time.Hour)}},
		"the usual": {
			[]dhcpv4.Option{
				dhcpv4.OptSubnetMask(net.CIDRMask(24, 32)), dhcpv4.OptRouter(net.IPv4(192, 0, 2, 1), net.IPv4(192, 0, 2, 2)),
				dhcpv4.OptDNS(net.IPv4(192, 0, 2, 53), net.IPv4zero), dhcpv4.OptIPAddressLeaseTime(2 * time.Hour), dhcpv4.OptRenewTimeValue(time.Minute),
				dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 1)), dhcpv4.OptDomainName("example.com\x00"), dhcpv4.OptHostName("box"),
			},
			Lease{
				Address: prefix("192.0.2.50/24"), Routes: []Route{{prefix("0.0.0.0/0"), ip("192.0.2.1")}}, Nameservers: []netip.Addr{ip("192.0.2.53")},
				Search: []string{"example.com"}, Hostname: "box", Server: ip("192.0.2.1"), Renew: now.Add(time.Minute), Expires: now.Add(2 * time.Hour),
			},
		},
		"classless routes instead of the router (RFC 3442)": {
			[]dhcpv4.Option{
				dhcpv4.OptRouter(net.IPv4(192, 0, 2, 1)),
				dhcpv4.OptClasslessStaticRoute(
					&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(10, 0, 0, 0), Mask: net.CIDRMask(8, 32)}, Router: net.IPv4(192, 0, 2, 9)},
					&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(192, 0, 2, 9), Mask: net.CIDRMask(32, 32)}, Router: net.IPv4zero}),
			},
			Lease{
				Address: prefix("192.0.2.50/32"), Routes: []Route{{prefix("10.0.0.0/8"), ip("192.0.2.9")}, {Destination: prefix("192.0.2.9/32")}},
				Renew: now.Add(30 * time.Minute), Expires: now.Add(time.Hour),
			},
		},
		"names that would be lines of resolv.conf, and a lease of no time": {
			[]dhcpv4.Option{
				dhcpv4.OptDomainName("a\nnameserver 203.0.113.1"), dhcpv4.OptHostName("b x"), dhcpv4.OptIPAddressLeaseTime(0), dhcpv4.OptRouter(net.IPv4bcast),
			},
			Lease{Address: prefix("192.0.2.50/32"), Renew: now.Add(5 * time.Second), Expires: now.Add(10 * time.Second)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := read(ack(t, c.options...), now)
			if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" || !ok {
				t.Errorf("ok is %v (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestAnAnswerWithoutAUsableAddressIsNone(t *testing.T) {
	for _, ip := range []net.IP{nil, net.IPv4zero, net.IPv4(224, 0, 0, 1), net.IPv4(127, 0, 0, 1)} {
		m := ack(t)
		m.YourIPAddr = ip
		if l, ok := read(m, time.Now()); ok {
			t.Errorf("%v is taken: %+v", ip, l)
		}
	}
}

// Whatever a server sends, nothing of it can break a line of resolv.conf, and the lease has an order in time.
func FuzzAnswer(f *testing.F) {
	m, err := dhcpv4.New(dhcpv4.WithYourIP(net.IPv4(192, 0, 2, 50)), dhcpv4.WithOption(dhcpv4.OptDomainName("example.com")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.ToBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dhcpv4.FromBytes(b)
		if err != nil {
			return
		}
		now := time.Now()
		l, ok := read(m, now)
		if !ok {
			return
		}
		for _, s := range append(l.Search, l.Hostname) {
			if s != "" && !isName(s) {
				t.Errorf("%q is no name", s)
			}
		}
		if !l.Renew.After(now) || !l.Expires.After(now) || l.Renew.After(l.Expires) {
			t.Errorf("renewed %v, over %v", l.Renew.Sub(now), l.Expires.Sub(now))
		}
	})
}
