package advert

import (
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A vector is what keepalived 2.2.7 sent, with the parameters that it had: testdata/capture.sh.
type vector struct {
	name    string
	params  Params // the sender's
	packets [][]byte
	to      netip.Addr
}

func vectors(t testing.TB) []vector {
	t.Helper()
	v4 := func(p Params) Params {
		p.VRID, p.Source = 51, netip.MustParseAddr("192.0.2.1")
		p.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.101")}
		return p
	}
	peer := []Peer{{Address: netip.MustParseAddr("192.0.2.2")}}
	vs := []vector{
		{name: "v2-none", params: v4(Params{Version: 2, Interval: time.Second})},
		{name: "v2-pass", params: v4(Params{Version: 2, Interval: time.Second, Authentication: Password, Password: "secret12 and more"})},
		{name: "v2-ah", params: v4(Params{Version: 2, Interval: time.Second, Authentication: AH, Password: "secret"})},
		{name: "v2-ah-unicast", params: v4(Params{Version: 2, Interval: time.Second, Authentication: AH, Password: "secret", Peers: peer})},
		{name: "v3-ipv4", params: v4(Params{Version: 3, Interval: 500 * time.Millisecond, PseudoHeader: true})},
		{name: "v3-ipv4-unicast", params: v4(Params{Version: 3, Interval: 500 * time.Millisecond, PseudoHeader: true, Peers: peer})},
		{name: "v3-ipv6", params: Params{Version: 3, VRID: 51, Interval: time.Second, Source: netip.MustParseAddr("fe80::ff:fe00:1"),
			Addresses: []netip.Addr{netip.MustParseAddr("fe80::100"), netip.MustParseAddr("2001:db8::100")}}},
	}
	for i := range vs {
		v := &vs[i]
		b, err := os.ReadFile("testdata/" + v.name + ".hex")
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Fields(string(b)) {
			p, err := hex.DecodeString(line)
			if err != nil {
				t.Fatal(err)
			}
			if v.params.Source.Is6() {
				p = p[40:] // a raw socket of IPv6 gives no header
			}
			v.packets = append(v.packets, p)
		}
		if len(v.packets) != 2 {
			t.Fatalf("%s has %d packets", v.name, len(v.packets))
		}
		v.to = Group(v.params.Source.Is6())
		if len(v.params.Peers) > 0 {
			v.to = v.params.Peers[0].Address
		}
	}
	return vs
}

// receiver is the other router of the vector: it has another address.
func (v vector) receiver(t testing.TB) *Format {
	t.Helper()
	p := v.params
	if len(p.Peers) > 0 {
		p.Peers = []Peer{{Address: p.Source}}
	}
	p.Source = p.Source.Next()
	return format(t, p)
}

func (v vector) meta() Meta {
	return Meta{Source: v.params.Source, Destination: v.to, TTL: 255}
}

func format(t testing.TB, p Params) *Format {
	t.Helper()
	f, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatIsSentIsWhatKeepalivedSends(t *testing.T) {
	for _, v := range vectors(t) {
		f := format(t, v.params)
		for i, want := range v.packets {
			want = append([]byte(nil), want...)
			if v.params.Source.Is4() {
				want[10], want[11] = 0, 0 // the kernel fills in the IP header's checksum
			}
			got := f.Append(nil, 150, v.to)
			if diff := cmp.Diff(hex.Dump(want), hex.Dump(got)); diff != "" {
				t.Errorf("%s, packet %d (-keepalived +ours):\n%s", v.name, i, diff)
			}
			if len(got) != f.Size() {
				t.Errorf("%s: %d bytes, and Size says %d", v.name, len(got), f.Size())
			}
		}
	}
}

func TestWhatKeepalivedSendsIsAccepted(t *testing.T) {
	for _, v := range vectors(t) {
		f := v.receiver(t)
		want := Advert{Source: v.params.Source, Priority: 150, Interval: v.params.Interval, Count: 2, SameAddresses: true}
		for i, p := range v.packets {
			if vrid, r := VRID(p, v.params.Source.Is6()); vrid != 51 || r != Accepted {
				t.Errorf("%s: virtual router %d (%v)", v.name, vrid, r)
			}
			got, r := f.Parse(p, v.meta())
			if r != Accepted {
				t.Errorf("%s, packet %d: %v", v.name, i, r)
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("%s, packet %d (-want +got):\n%s", v.name, i, diff)
			}
		}
	}
}

func TestNothingIsAllocatedForAnAdvert(t *testing.T) {
	for _, v := range vectors(t) {
		sender, receiver := format(t, v.params), v.receiver(t)
		buf := make([]byte, 0, sender.Size())
		if n := testing.AllocsPerRun(100, func() {
			buf = sender.Append(buf[:0], 150, v.to)
			if _, r := receiver.Parse(buf, v.meta()); r != Accepted {
				t.Errorf("%s: %v", v.name, r)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for an advert sent and received", v.name, n)
		}
	}
}
