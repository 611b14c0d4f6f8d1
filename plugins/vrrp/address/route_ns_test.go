package address

import (
	"net/netip"
	"testing"
)

func TestNSRoutesAreAddedAsTheyShouldBeAndRemoved(t *testing.T) {
	b := newBox(t)
	address := netip.MustParseAddr
	prefix := netip.MustParsePrefix
	s := b.set(on("192.0.2.1/24", "2001:db8::1/64"),
		Route{Destination: prefix("0.0.0.0/0"), Via: address("192.0.2.254"), Source: address("192.0.2.1"), Metric: 50},
		Route{Destination: prefix("198.51.100.0/24"), Interface: "eth0", Table: 100},
		Route{Destination: prefix("2001:db8:5::/48"), Via: address("2001:db8::fe"), Interface: "eth0"},
	)
	b.said(s.Add(), "added 192.0.2.1/24 on eth0", "added 2001:db8::1/64 on eth0", "added route to 0.0.0.0/0 via 192.0.2.254",
		"added route to 198.51.100.0/24 on eth0 in table 100", "added route to 2001:db8:5::/48 via 2001:db8::fe on eth0")
	b.contains(b.ip("route", "show", "default"), "via 192.0.2.254", "dev eth0", "proto 112", "src 192.0.2.1", "metric 50")
	b.contains(b.ip("route", "show", "table", "100"), "198.51.100.0/24 dev eth0 proto 112 scope link")
	b.contains(b.ip("-6", "route", "show", "2001:db8:5::/48"), "via 2001:db8::fe dev eth0 proto 112")
	b.said(s.Sync())
	s.Remove()
	for _, show := range [][]string{{"route", "show", "default"}, {"-6", "route", "show", "2001:db8:5::/48"}} {
		b.contains(b.ip(show...), "!proto 112")
	}
}

func TestNSAnotherRouteToTheSamePlaceIsAnErrorAndStays(t *testing.T) {
	b := newBox(t)
	b.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.253")
	b.ip("route", "add", "203.0.113.0/24", "via", "192.0.2.254", "dev", "eth0")
	route := func(p string) Route {
		return Route{Destination: netip.MustParsePrefix(p), Via: netip.MustParseAddr("192.0.2.254"), Interface: "eth0"}
	}
	s := b.set(nil, route("198.51.100.0/24"), route("203.0.113.0/24"))
	b.said(s.Add(),
		"add route to 198.51.100.0/24 via 192.0.2.254 on eth0: there is another route to 198.51.100.0/24 with the same metric, of protocol 3",
		"took over route to 203.0.113.0/24 via 192.0.2.254 on eth0, which somebody else had configured: it will go when the instance is not master")
	s.Remove()
	b.contains(b.ip("route", "show"), "198.51.100.0/24 via 192.0.2.253", "!203.0.113.0")
}

func TestNSARouteOfOursThatIsAnotherWayNowIsCorrected(t *testing.T) {
	b := newBox(t)
	route := Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Via: netip.MustParseAddr("192.0.2.253")}
	b.set(nil, route).Add()
	route.Via = netip.MustParseAddr("192.0.2.254")
	b.said(b.set(nil, route).Sync(), "corrected route to 198.51.100.0/24 via 192.0.2.254")
	b.contains(b.ip("route", "show"), "via 192.0.2.254", "!192.0.2.253")
}
