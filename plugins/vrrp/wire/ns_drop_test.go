package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"golang.org/x/sys/unix"
)

// silence fails the test when anything arrives, or the process is woken at all.
func silence(t *testing.T, s *Socket, what string) {
	t.Helper()
	p := poller(t)
	if err := p.Add(s.FD(), 1); err != nil {
		t.Fatal(err)
	}
	deadline(t, p, Now()+50*time.Millisecond)
	if got := wait(t, p, 4); !slices.Equal(got, []Token{Timer}) {
		t.Errorf("%s woke the process: %v", what, hear(t, s, 1, 0))
	}
}

func TestNSAdvertsOfForeignVirtualRoutersWakeNobody(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	ah := func(p *advert.Params) { p.Version, p.Authentication, p.Password = 2, advert.AH, "secret" }
	for _, c := range []struct {
		key    Key
		source netip.Addr
		change func(*advert.Params)
	}{
		{Key{Address: advert.Group(false)}, a.v4, nil},
		{Key{Address: advert.Group(false), AH: true}, a.v4, ah},
		{Key{Address: advert.Group(true)}, a.v6, nil},
	} {
		from, to := a.open(t, c.key), b.open(t, c.key, 51)
		send := func(vrids ...uint8) {
			t.Helper()
			for _, vrid := range vrids {
				f := format(t, vrid, c.source, c.change)
				if err := from.Send(f.Append(nil, 100, c.key.Address), advert.Meta{Source: c.source, Destination: c.key.Address, TTL: 255}); err != nil {
					t.Fatal(err)
				}
			}
		}
		var others []uint8
		for v := 1; v < 256; v++ {
			if v != 51 {
				others = append(others, uint8(v))
			}
		}
		send(others...)
		silence(t, to, "254 foreign virtual routers")
		send(50, 51, 52)
		if heard := hear(t, to, 2, 50*time.Millisecond); len(heard) != 1 {
			t.Errorf("%v: of three adverts, one of them ours, %d arrive", c.key, len(heard))
		}
		if err := to.Admit(VRIDs{50: true, 52: true}); err != nil {
			t.Fatal(err)
		}
		send(50, 51, 52)
		if heard := hear(t, to, 3, 50*time.Millisecond); len(heard) != 2 {
			t.Errorf("%v: with the two others admitted, %d arrive", c.key, len(heard))
		}
	}
}

func TestNSASocketHearsNothingBeforeItAdmitsSomebody(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	group := advert.Group(false)
	from, to := a.open(t, Key{Address: group}), b.open(t, Key{Address: group})
	f := format(t, 51, a.v4, nil)
	if err := from.Send(f.Append(nil, 100, group), advert.Meta{Destination: group}); err != nil {
		t.Fatal(err)
	}
	silence(t, to, "an advert for no virtual router here")
}

func TestNSUnicastDoesNotReachTheGroupsSocket(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	for _, ipv6 := range []bool{false, true} {
		group, to := advert.Group(ipv6), b.address(ipv6)
		from, multicast, unicast := a.open(t, Key{Address: group}), b.open(t, Key{Address: group}, 51), b.open(t, Key{Address: to}, 51)
		f := format(t, 51, a.address(ipv6), nil)
		if err := from.Send(f.Append(nil, 100, to), advert.Meta{Source: a.address(ipv6), Destination: to, TTL: 255}); err != nil {
			t.Fatal(err)
		}
		if heard := hear(t, unicast, 1, time.Second); len(heard) != 1 {
			t.Errorf("%d packets arrive at the unicast socket", len(heard))
		}
		silence(t, multicast, "a unicast advert")
	}
}

// A frame is what a router puts on the wire past its own IP: an AF_PACKET socket's.
type frame struct {
	t     *testing.T
	fd    int
	index int
}

func (r router) frames(t *testing.T) frame {
	t.Helper()
	f := frame{t: t, index: r.index}
	r.space.Do(func() (err error) {
		f.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	t.Cleanup(func() { unix.Close(f.fd) })
	return f
}

// send sends an IPv4 packet to the group's Ethernet address, with its header checksum right.
func (f frame) send(p []byte) {
	f.t.Helper()
	binary.BigEndian.PutUint16(p[10:], 0)
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum>>16+sum))
	to := unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: f.index, Halen: 6,
		Addr: [8]byte{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}}
	if err := unix.Sendto(f.fd, p, 0, &to); err != nil {
		f.t.Fatal(err)
	}
}

func networkOrder(v uint16) uint16 { return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)}) }

// fragments cuts an IPv4 packet in pieces of a size that 8 divides (RFC 791).
func fragments(p []byte, size int) (pieces [][]byte) {
	for at := 20; at < len(p); at += size {
		end := min(at+size, len(p))
		piece := append(slices.Clone(p[:20]), p[at:end]...)
		binary.BigEndian.PutUint16(piece[2:], uint16(len(piece)))
		flags := uint16(at-20) / 8
		if end < len(p) {
			flags |= 1 << 13 // more fragments
		}
		binary.BigEndian.PutUint16(piece[6:], flags)
		pieces = append(pieces, piece)
	}
	return pieces
}

func TestNSPaddingFragmentsAndGiants(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	group := advert.Group(false)
	from, to := a.frames(t), b.open(t, Key{Address: group}, 51)
	sender, receiver := format(t, 51, a.v4, nil), format(t, 51, b.v4, nil)
	parsed := func(what string) advert.Reason {
		t.Helper()
		heard := hear(t, to, 1, time.Second)
		if len(heard) != 1 {
			t.Fatalf("%s: %d packets arrive", what, len(heard))
		}
		_, reason := receiver.Parse(heard[0].Data, heard[0].Meta)
		return reason
	}

	from.send(append(sender.Append(nil, 100, group), make([]byte, 14)...)) // 32 bytes, and a frame has 46 at least
	if got := parsed("padding"); got != advert.Accepted {
		t.Errorf("a padded advert: %v", got)
	}
	for _, piece := range fragments(sender.Append(nil, 100, group), 8) {
		from.send(piece)
	}
	if got := parsed("fragments"); got != advert.Accepted {
		t.Errorf("an advert in fragments: %v", got)
	}
	from.send(fragments(sender.Append(nil, 100, group), 8)[0])
	silence(t, to, "half an advert")

	giant := append(sender.Append(nil, 100, group), make([]byte, 8000)...)
	binary.BigEndian.PutUint16(giant[2:], uint16(len(giant)))
	for _, piece := range fragments(giant, 1400) {
		from.send(piece)
	}
	if got := parsed("a giant"); got != advert.Truncated {
		t.Errorf("an advert with 8000 bytes behind it: %v", got)
	}
	from.send(sender.Append(nil, 100, group))
	if got := parsed("after a giant"); got != advert.Accepted {
		t.Errorf("an advert after a giant: %v", got)
	}
}
