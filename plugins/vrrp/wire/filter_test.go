package wire

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"golang.org/x/net/bpf"
)

// kinds are the three layouts of a packet that a filter sees.
var kinds = map[string]struct {
	key    Key
	params advert.Params
}{
	"IPv4": {Key{Index: 1, Address: advert.Group(false)}, advert.Params{Version: 3, Source: netip.MustParseAddr("192.0.2.1"),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100")}}},
	"AH": {Key{Index: 1, Address: advert.Group(false), AH: true}, advert.Params{Version: 2, Source: netip.MustParseAddr("192.0.2.1"),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100")}, Authentication: advert.AH, Password: "secret"}},
	"IPv6": {Key{Index: 1, Address: advert.Group(true)}, advert.Params{Version: 3, Source: netip.MustParseAddr("fe80::1"),
		Addresses: []netip.Addr{netip.MustParseAddr("fe80::100")}}},
}

func packetOf(t testing.TB, p advert.Params, vrid uint8) []byte {
	t.Helper()
	p.VRID, p.Interval = vrid, time.Second
	f, err := advert.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return f.Append(nil, 100, advert.Group(p.Source.Is6()))
}

// passes runs a filter as the kernel would, in the package's own machine.
func passes(t *testing.T, key Key, vrids VRIDs, packet []byte) bool {
	t.Helper()
	vm, err := bpf.NewVM(program(key, &vrids))
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(packet)
	if err != nil {
		t.Fatal(err)
	}
	if n != 0 && n < len(packet) {
		t.Errorf("the filter cuts a packet of %d bytes to %d", len(packet), n)
	}
	return n > 0
}

func TestTheFilterPassesTheVirtualRoutersThatAreOurs(t *testing.T) {
	ours := []uint8{1, 31, 32, 51, 64, 127, 128, 200, 255}
	var set, all VRIDs
	for v := 1; v < 256; v++ {
		set[v], all[v] = slices.Contains(ours, uint8(v)), true
	}
	for name, kind := range kinds {
		for v := 1; v < 256; v++ {
			p := packetOf(t, kind.params, uint8(v))
			if got := passes(t, kind.key, set, p); got != set[v] {
				t.Errorf("%s: the filter passes virtual router %d: %v", name, v, got)
			}
			if !passes(t, kind.key, all, p) || passes(t, kind.key, VRIDs{}, p) {
				t.Errorf("%s: virtual router %d passes where none does, or not where all do", name, v)
			}
		}
	}
}

func TestTheFilterFindsTheMessageBehindIPOptions(t *testing.T) {
	for _, name := range []string{"IPv4", "AH"} {
		kind := kinds[name]
		p := slices.Insert(packetOf(t, kind.params, 51), 20, 1, 1, 1, 0)
		p[0] = 0x46
		if !passes(t, kind.key, VRIDs{51: true}, p) || passes(t, kind.key, VRIDs{52: true}, p) {
			t.Errorf("%s: options hide the message", name)
		}
	}
}

func TestTheFilterDropsWhatHasNoMessage(t *testing.T) {
	var all VRIDs
	for v := range all {
		all[v] = true
	}
	for name, kind := range kinds {
		p := packetOf(t, kind.params, 51)
		for n := range len(p) {
			if _, reason := advert.VRID(p[:n], kind.params.Source.Is6()); reason == advert.Accepted && !passes(t, kind.key, all, p[:n]) {
				t.Errorf("%s: %d bytes have a message, and are dropped", name, n)
			}
		}
		if passes(t, kind.key, all, nil) || passes(t, kind.key, all, p[:1]) {
			t.Errorf("%s: a packet without a VRID passes", name)
		}
	}
}

func TestTheFilterLetsAMisconfiguredPeerBeCounted(t *testing.T) {
	kind := kinds["IPv4"]
	p := packetOf(t, kind.params, 51)
	p[20] = 0x25 // version 2, type 5
	if !passes(t, kind.key, VRIDs{51: true}, p) {
		t.Error("another version or type is dropped, and so not counted")
	}
}
