package address

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAnAddressThatTheKernelCouldNotTakeIsRefused(t *testing.T) {
	good := Address{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Interface: "eth0"}
	if err := good.Check(); err != nil {
		t.Errorf("%v: %v", good, err)
	}
	for want, spoil := range map[string]func(*Address){
		"without an address":   func(a *Address) { a.Prefix = netip.Prefix{} },
		"write 192.0.2.1":      func(a *Address) { a.Prefix = netip.MustParsePrefix("::ffff:192.0.2.1/120") },
		"cannot be":            func(a *Address) { a.Prefix = netip.MustParsePrefix("224.0.0.18/32") },
		`"" is no interface`:   func(a *Address) { a.Interface = "" },
		`0123456789abcdef" is`: func(a *Address) { a.Interface = "0123456789abcdef" },
		"longer than 15":       func(a *Address) { a.Label = "eth0:0123456789a" },
		"have labels":          func(a *Address) { a.Prefix, a.Label = netip.MustParsePrefix("2001:db8::1/64"), "eth0:1" },
		"have a broadcast":     func(a *Address) { a.Broadcast = netip.MustParseAddr("ff02::1") },
		"are of two families":  func(a *Address) { a.Peer = netip.MustParseAddr("2001:db8::2") },
		"0.0.0.0 cannot be":    func(a *Address) { a.Prefix = netip.MustParsePrefix("0.0.0.0/0") },
	} {
		bad := good
		spoil(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want an error with %q", bad, err, want)
		}
	}
}

func TestARouteThatTheKernelCouldNotTakeIsRefused(t *testing.T) {
	good := Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Via: netip.MustParseAddr("192.0.2.254")}
	if err := good.Check(); err != nil {
		t.Errorf("%v: %v", good, err)
	}
	for want, spoil := range map[string]func(*Route){
		"without a destination":              func(r *Route) { r.Destination = netip.Prefix{} },
		"write 198.51.100.0/24":              func(r *Route) { r.Destination = netip.MustParsePrefix("198.51.100.7/24") },
		"neither gateway nor interface":      func(r *Route) { r.Via = netip.Addr{} },
		"its gateway 2001:db8::1 are":        func(r *Route) { r.Via = netip.MustParseAddr("2001:db8::1") },
		"its source 2001:db8::1 are":         func(r *Route) { r.Source = netip.MustParseAddr("2001:db8::1") },
		`"0123456789abcdef" is no interface`: func(r *Route) { r.Interface = "0123456789abcdef" },
	} {
		bad := good
		spoil(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want an error with %q", bad, err, want)
		}
	}
}

func TestScopesAreReadAsIPWritesThem(t *testing.T) {
	for s, want := range map[string]uint8{"": 0, "global": 0, "site": 200, "link": unix.RT_SCOPE_LINK, "host": 254, "17": 17} {
		if got, err := ParseScope(s); got != want || err != nil {
			t.Errorf("%q is %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"256", "-1", "universe"} {
		if got, err := ParseScope(s); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
}

func TestASetNamesAThingOnce(t *testing.T) {
	address := Address{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Interface: "eth0"}
	other := address
	other.Interface = "eth1"
	route := Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Interface: "eth0"}
	k := &Kernel{}
	if _, err := k.NewSet([]Address{address, other}, []Route{route}); err != nil {
		t.Error(err)
	}
	if _, err := k.NewSet([]Address{address, other, address}, nil); err == nil || err.Error() != "192.0.2.1/24 on eth0 is there twice" {
		t.Errorf("an address twice: %v", err)
	}
	if _, err := k.NewSet(nil, []Route{route, route}); err == nil || err.Error() != "route to 198.51.100.0/24 on eth0 is there twice" {
		t.Errorf("a route twice: %v", err)
	}
}
