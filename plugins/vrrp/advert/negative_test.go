package advert

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// A spoiled packet is a good one of keepalived's with something wrong, which the receiver must refuse for one reason.
type spoiled struct {
	vector string
	what   string
	spoil  func(p []byte, m *Meta) []byte
	want   Reason
}

// At these offsets are the fields of IPv4 packets; a message starts at 20, and behind AH at 44.
const (
	ttlAt, protocolAt, sourceAt, destinationAt, messageAt, behindAH = 8, 9, 12, 16, 20, 44
)

// set returns a change of one byte, at an offset in the packet.
func set(at int, value byte) func([]byte, *Meta) []byte {
	return func(p []byte, _ *Meta) []byte { p[at] = value; return p }
}

// field returns a change of one byte of the message, after which its checksum (RFC 9568's for version 3) is right again.
func field(at int, value byte) func([]byte, *Meta) []byte {
	return func(p []byte, _ *Meta) []byte { p[messageAt+at] = value; return sum(p, messageAt) }
}

func sum(p []byte, message int) []byte {
	m := p[message:]
	m[6], m[7] = 0, 0
	binary.BigEndian.PutUint16(m[6:], ^fold(add(0, m)))
	return p
}

// length returns a change of the packet's length, said in the IP header too.
func length(n int) func([]byte, *Meta) []byte {
	return func(p []byte, _ *Meta) []byte {
		p = append(p, make([]byte, 64)...)[:len(p)+n]
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		return p
	}
}

func cut(n int) func([]byte, *Meta) []byte {
	return func(p []byte, _ *Meta) []byte { return p[:n] }
}

var negatives = []spoiled{
	{"v2-none", "no packet at all", cut(0), Truncated},
	{"v2-none", "half an IP header", cut(19), Truncated},
	{"v2-none", "an IP header that claims 4 bytes", set(0, 0x41), Truncated},
	{"v2-none", "an IP header that claims 60 bytes of 44", set(0, 0x4f), Truncated},
	{"v2-none", "an IP length of less than its header", func(p []byte, _ *Meta) []byte { p[3] = 19; return p }, Truncated},
	{"v2-none", "an IP header and nothing else", length(-24), Truncated},
	{"v2-none", "half a message", length(-20), Truncated},
	{"v2-none", "fewer bytes than the IP header says", cut(43), Truncated},
	{"v2-none", "another IP version", set(0, 0x65), ProtocolNumber},
	{"v2-none", "another protocol", set(protocolAt, 17), ProtocolNumber},
	{"v2-none", "another virtual router", field(1, 52), UnknownRouter},
	{"v2-none", "our own address", set(sourceAt+3, 2), Own},
	{"v2-none", "a TTL of 254", set(ttlAt, 254), TTL},
	{"v2-none", "a TTL of 1", set(ttlAt, 1), TTL},
	{"v2-none", "a unicast destination", func(p []byte, _ *Meta) []byte { copy(p[destinationAt:], []byte{192, 0, 2, 2}); return p }, Destination},
	{"v2-none", "version 3", field(0, 0x31), Version},
	{"v2-none", "version 1", field(0, 0x11), Version},
	{"v2-none", "type 2", field(0, 0x22), Type},
	{"v2-none", "type 0", field(0, 0x20), Type},
	{"v2-none", "no authentication data", length(-8), Truncated},
	{"v2-none", "one byte too few", length(-1), Truncated},
	{"v2-none", "one byte too many", length(1), Length},
	{"v2-none", "an address too many", length(4), Length},
	{"v2-none", "a count above what there is", field(3, 3), Truncated},
	{"v2-none", "a count below what there is", field(3, 1), Length},
	{"v2-none", "no address", func(p []byte, m *Meta) []byte { p[messageAt+3] = 0; return sum(length(-8)(p, m), messageAt) }, Count},
	{"v2-none", "a wrong checksum", set(messageAt+7, 0), Checksum},
	{"v2-none", "another priority under the same checksum", set(messageAt+2, 255), Checksum},
	{"v2-none", "an interval of 2 s", field(5, 2), Interval},
	{"v2-none", "an interval of 0", field(5, 0), Interval},
	{"v2-none", "a password", field(4, 1), AuthenticationType},
	{"v2-none", "AH's type without its header", field(4, 2), AuthenticationType},
	{"v2-none", "an unknown authentication type", field(4, 3), AuthenticationType},
	{"v2-pass", "no password", field(4, 0), AuthenticationType},
	{"v2-pass", "another password", field(16, 'x'), WrongPassword},
	{"v2-pass", "the password in another case", field(23, 0), WrongPassword},
	{"v2-ah", "half an AH header", length(-36), Truncated},
	{"v2-ah", "AH in front of another protocol", set(20, 17), ProtocolNumber},
	{"v2-ah", "AH of another length", set(21, 5), ProtocolNumber},
	{"v2-ah", "another check value", set(43, 0), ICV},
	{"v2-ah", "another sequence number", set(35, 9), ICV},
	{"v2-ah", "another priority", func(p []byte, _ *Meta) []byte { p[behindAH+2] = 255; return sum(p, behindAH) }, ICV},
	{"v2-ah", "another source", set(sourceAt+3, 7), ICV},
	{"v2-ah", "another identification", set(5, 7), ICV},
	{"v2-ah-unicast", "another source", set(sourceAt+3, 7), ICV},
	{"v2-ah-unicast", "the group for a destination", func(p []byte, _ *Meta) []byte { copy(p[destinationAt:], []byte{224, 0, 0, 18}); return p }, Destination},
	{"v3-ipv4", "version 2", field(0, 0x21), Version},
	{"v3-ipv4", "a wrong checksum", set(messageAt+7, 0), Checksum},
	{"v3-ipv4", "another source under the pseudo-header's checksum", set(sourceAt+3, 7), Checksum},
	{"v3-ipv4", "an interval of 0", field(5, 0), Interval},
	{"v3-ipv4", "version 2's authentication data", length(8), Length},
	{"v3-ipv4", "no address", func(p []byte, m *Meta) []byte { p[messageAt+3] = 0; return sum(length(-8)(p, m), messageAt) }, Count},
	{"v3-ipv6", "no packet at all", cut(0), Truncated},
	{"v3-ipv6", "half a message", cut(7), Truncated},
	{"v3-ipv6", "half an address", cut(32), Truncated},
	{"v3-ipv6", "a hop limit of 254", func(p []byte, m *Meta) []byte { m.TTL = 254; return p }, TTL},
	{"v3-ipv6", "a unicast destination", func(p []byte, m *Meta) []byte { m.Destination = netip.MustParseAddr("fe80::2"); return p }, Destination},
	{"v3-ipv6", "our own address", func(p []byte, m *Meta) []byte { m.Source = m.Source.Next(); return p }, Own},
	{"v3-ipv6", "another source than in the checksum", func(p []byte, m *Meta) []byte { m.Source = netip.MustParseAddr("fe80::9"); return p }, Checksum},
	{"v3-ipv6", "RFC 9568's checksum of IPv4", func(p []byte, _ *Meta) []byte { return sum(p, 0) }, Checksum},
	{"v3-ipv6", "another virtual router", func(p []byte, _ *Meta) []byte { p[1] = 9; return p }, UnknownRouter},
}

func TestASpoiledAdvertIsRefusedForItsReasonAndChangesNothing(t *testing.T) {
	seen := map[Reason]bool{}
	for _, v := range vectors(t) {
		for _, n := range negatives {
			if n.vector != v.name {
				continue
			}
			f, m := v.receiver(t), v.meta()
			before := f.Sequence()
			p := n.spoil(append([]byte(nil), v.packets[0]...), &m)
			if _, got := f.Parse(p, m); got != n.want {
				t.Errorf("%s with %s: %v, want %v", n.vector, n.what, got, n.want)
			}
			if f.Sequence() != before {
				t.Errorf("%s with %s moved the sequence number", n.vector, n.what)
			}
			if _, got := f.Parse(v.packets[0], v.meta()); got != Accepted {
				t.Errorf("%s after one with %s: %v", n.vector, n.what, got)
			}
			seen[n.want] = true
		}
	}
	for _, elsewhere := range []Reason{Accepted, NotPeer, AHMissing, AHUnexpected, Replay, Addresses} {
		seen[elsewhere] = true // each has its own test
	}
	for r := range Reasons {
		if !seen[Reason(r)] {
			t.Errorf("no packet is refused because of %v", Reason(r))
		}
	}
}

func TestEveryReasonHasANameAndASentence(t *testing.T) {
	names := map[string]bool{}
	for r := range Reasons {
		name, sentence := Reason(r).String(), Reason(r).Sentence()
		if name == "unknown" || sentence == "" || names[name] {
			t.Errorf("reason %d is called %q: %q", r, name, sentence)
		}
		names[name] = true
	}
	if got := Reason(Reasons).String(); got != "unknown" {
		t.Errorf("there is one more: %q", got)
	}
}

func TestParametersThatCannotBeSpokenAreRefused(t *testing.T) {
	good := vectors(t)[0].params
	for what, spoil := range map[string]func(*Params){
		"version 4":                   func(p *Params) { p.Version = 4 },
		"virtual router 0":            func(p *Params) { p.VRID = 0 },
		"no source":                   func(p *Params) { p.Source = netip.Addr{} },
		"version 2 over IPv6":         func(p *Params) { p.Source = netip.MustParseAddr("fe80::1") },
		"no address":                  func(p *Params) { p.Addresses = nil },
		"256 addresses":               func(p *Params) { p.Addresses = make([]netip.Addr, 256) },
		"an address of another kind":  func(p *Params) { p.Addresses = []netip.Addr{netip.MustParseAddr("fe80::100")} },
		"half a second in version 2":  func(p *Params) { p.Interval = 500 * time.Millisecond },
		"256 seconds in version 2":    func(p *Params) { p.Interval = 256 * time.Second },
		"41 seconds in version 3":     func(p *Params) { p.Version, p.Interval = 3, 41*time.Second },
		"5 milliseconds in version 3": func(p *Params) { p.Version, p.Interval = 3, 5*time.Millisecond },
		"an interval of 0":            func(p *Params) { p.Interval = 0 },
		"a password in version 3":     func(p *Params) { p.Version, p.Authentication, p.Password = 3, Password, "x" },
		"no password":                 func(p *Params) { p.Authentication = Password },
		"an unknown authentication":   func(p *Params) { p.Authentication, p.Password = 3, "x" },
		"a peer of another family":    func(p *Params) { p.Peers = []Peer{{Address: netip.MustParseAddr("fe80::1")}} },
		"a group for a peer":          func(p *Params) { p.Peers = []Peer{{Address: Group(false)}} },
		"an empty range of TTLs":      func(p *Params) { p.Peers = []Peer{{Address: p.Source.Next(), MinTTL: 9, MaxTTL: 8}} },
	} {
		p := good
		spoil(&p)
		if _, err := New(p); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	if _, err := New(Params{Version: 9, VRID: 7}); fmt.Sprint(err) != "virtual router 7: version 9: there are 2 and 3" {
		t.Errorf("the error is %q", err)
	}
}
