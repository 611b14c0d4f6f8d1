package advert

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func vectorNamed(t testing.TB, name string) vector {
	t.Helper()
	for _, v := range vectors(t) {
		if v.name == name {
			return v
		}
	}
	t.Fatalf("no vector %s", name)
	return vector{}
}

// pass sends an advert of one Format to the other.
func pass(sender, receiver *Format, priority uint8) (Advert, Reason) {
	source, to := sender.Params().Source, receiver.Params().Source
	if len(sender.Params().Peers) == 0 {
		to = Group(source.Is6())
	}
	return receiver.Parse(sender.Append(nil, priority, to), Meta{Source: source, Destination: to, TTL: 255})
}

// from returns parameters as the router with another source address has them.
func from(p Params, source string) Params {
	p.Source = netip.MustParseAddr(source)
	return p
}

func TestEveryPriorityIntervalAndCountGoesThere(t *testing.T) {
	for _, v := range vectors(t) {
		intervals := []time.Duration{time.Second, 255 * time.Second}
		if v.params.Version == 3 {
			intervals = []time.Duration{10 * time.Millisecond, 40950 * time.Millisecond}
		}
		for _, interval := range intervals {
			for _, count := range []int{1, 2, 254, 255} {
				p := v.params
				p.Interval, p.Addresses = interval, nil
				for a := v.params.Addresses[0]; len(p.Addresses) < count; a = a.Next() {
					p.Addresses = append(p.Addresses, a)
				}
				sender, receiver := format(t, p), vector{params: p}.receiver(t)
				for _, priority := range []uint8{0, 1, 100, 254, 255} {
					got, r := pass(sender, receiver, priority)
					if r != Accepted || got.Priority != priority || got.Interval != interval || got.Count != count || !got.SameAddresses {
						t.Errorf("%s, %v, %d addresses, priority %d: %+v, %v", v.name, interval, count, priority, got, r)
					}
				}
			}
		}
	}
}

func TestBothChecksumsOfVersion3AreAcceptedAndTheConfiguredOneIsSent(t *testing.T) {
	p := vectorNamed(t, "v3-ipv4").params
	var sent [2][]byte
	for i, pseudo := range []bool{false, true} {
		p.PseudoHeader = pseudo
		sender := format(t, p)
		sent[i] = sender.Append(nil, 150, Group(false))
		for _, theirs := range []bool{false, true} {
			q := from(p, "192.0.2.2")
			q.PseudoHeader = theirs
			if _, r := pass(sender, format(t, q), 150); r != Accepted {
				t.Errorf("sent with a pseudo-header: %v, heard by one that sends with one: %v: %v", pseudo, theirs, r)
			}
		}
	}
	// RFC 9568 section 5.2.8: the sum of the message alone, by hand: 3133+9602+0032+c000+0264+c000+0265 = 24c30, and the carry.
	if got := sent[0][messageAt+6 : messageAt+8]; !bytes.Equal(got, []byte{0xb3, 0xcd}) {
		t.Errorf("RFC 9568's checksum is %x", got)
	}
	if bytes.Equal(sent[0], sent[1]) {
		t.Error("both checksums are the same")
	}
}

func TestAVersion3BackupLearnsTheMastersInterval(t *testing.T) {
	p := vectorNamed(t, "v3-ipv4").params
	q := from(p, "192.0.2.2")
	q.Interval = 7 * time.Second
	if got, r := pass(format(t, p), format(t, q), 100); r != Accepted || got.Interval != 500*time.Millisecond {
		t.Errorf("%v: %v", got.Interval, r)
	}
}

func TestVersion3IgnoresTheReservedBits(t *testing.T) {
	v := vectorNamed(t, "v3-ipv4")
	p := field(4, 0xf0)(slices.Clone(v.packets[0]), nil)
	if got, r := v.receiver(t).Parse(p, v.meta()); r != Accepted || got.Interval != 500*time.Millisecond {
		t.Errorf("%v: %v", got.Interval, r)
	}
}

func TestPaddingBehindThePacketIsNotPartOfIt(t *testing.T) {
	for _, v := range vectors(t) {
		if v.params.Source.Is6() {
			continue // IPv6 cuts it off before the socket
		}
		if _, r := v.receiver(t).Parse(append(slices.Clone(v.packets[0]), make([]byte, 18)...), v.meta()); r != Accepted {
			t.Errorf("%s: %v", v.name, r)
		}
	}
}

func TestAnIPHeaderMayHaveOptions(t *testing.T) {
	v := vectorNamed(t, "v2-none")
	p := slices.Insert(slices.Clone(v.packets[0]), 20, 1, 1, 1, 0)
	p[0], p[3] = 0x46, p[3]+4
	if _, r := v.receiver(t).Parse(p, v.meta()); r != Accepted {
		t.Errorf("%v", r)
	}
}

func TestOtherAddressesAreToldOrRefused(t *testing.T) {
	p := vectorNamed(t, "v2-none").params
	swapped, other, more := from(p, "192.0.2.2"), from(p, "192.0.2.2"), from(p, "192.0.2.2")
	swapped.Addresses = []netip.Addr{p.Addresses[1], p.Addresses[0]}
	other.Addresses = []netip.Addr{p.Addresses[0], netip.MustParseAddr("192.0.2.109")}
	more.Addresses = append(slices.Clone(p.Addresses), netip.MustParseAddr("192.0.2.102"))
	for _, c := range []struct {
		what   string
		params Params
		same   bool
	}{{"in another order", swapped, true}, {"with another address", other, false}, {"with one more", more, false}} {
		if got, r := pass(format(t, p), format(t, c.params), 100); r != Accepted || got.SameAddresses != c.same {
			t.Errorf("%s: same is %v, %v", c.what, got.SameAddresses, r)
		}
		c.params.CheckAddresses = true
		want := Accepted
		if !c.same {
			want = Addresses
		}
		if _, r := pass(format(t, p), format(t, c.params), 100); r != want {
			t.Errorf("%s, checked: %v, want %v", c.what, r, want)
		}
	}
}

func TestUnicastHasItsOwnRules(t *testing.T) {
	v := vectorNamed(t, "v3-ipv4-unicast")
	for _, c := range []struct {
		what  string
		peer  Peer
		check bool
		ttl   byte
		want  Reason
	}{
		{"any TTL from a peer", Peer{Address: v.params.Source}, true, 3, Accepted},
		{"a TTL within the peer's range", Peer{v.params.Source, 254, 255}, true, 254, Accepted},
		{"a TTL below the peer's range", Peer{v.params.Source, 254, 255}, true, 253, TTL},
		{"a TTL above the peer's range", Peer{v.params.Source, 1, 64}, true, 65, TTL},
		{"a TTL below a range without an upper end", Peer{Address: v.params.Source, MinTTL: 64}, true, 63, TTL},
		{"somebody else", Peer{Address: netip.MustParseAddr("192.0.2.9")}, true, 255, NotPeer},
		{"somebody else, and nobody checks", Peer{Address: netip.MustParseAddr("192.0.2.9")}, false, 255, Accepted},
	} {
		p := from(v.params, "192.0.2.2")
		p.Peers, p.CheckPeers = []Peer{c.peer}, c.check
		packet := set(ttlAt, c.ttl)(slices.Clone(v.packets[0]), nil)
		if _, r := format(t, p).Parse(packet, v.meta()); r != c.want {
			t.Errorf("%s: %v, want %v", c.what, r, c.want)
		}
	}
}

func TestTheTTLIsSentAsConfigured(t *testing.T) {
	p := vectorNamed(t, "v3-ipv4-unicast").params
	p.TTL = 64
	if got := format(t, p).Append(nil, 100, netip.MustParseAddr("192.0.2.2"))[ttlAt]; got != 64 {
		t.Errorf("the TTL is %d", got)
	}
}

func TestAppendLeavesWhatIsThere(t *testing.T) {
	f := format(t, vectorNamed(t, "v2-ah").params)
	b := f.Append([]byte("before"), 100, Group(false))
	if !bytes.HasPrefix(b, []byte("before")) || len(b) != 6+f.Size() {
		t.Errorf("%d bytes: %q", len(b), b)
	}
}
