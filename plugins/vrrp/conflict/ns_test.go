package conflict

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
	"github.com/evenkeel/evenkeel/plugins/vrrp/announce"
)

var (
	ours   = [6]byte{2, 0, 0, 0, 0, 1}
	theirs = [6]byte{2, 0, 0, 0, 0, 2}
)

// A segment is us, with a listener, and somebody else on the same wire. His interface's index is another one than ours.
type segment struct {
	t        *testing.T
	us, them *netspace.Space
	index    int
	*Listener
	announcer *announce.Announcer
	far       int
}

func newSegment(t *testing.T) *segment {
	t.Helper()
	s := &segment{t: t, us: netspace.New(t), them: netspace.New(t), announcer: announce.New()}
	for _, space := range []*netspace.Space{s.us, s.them} {
		space.Sysctl("net/ipv6/conf/default/disable_ipv6", "1") // neither says anything by itself
	}
	netspace.Join(s.us, "eth0", nil, s.them, "far0", nil)
	netspace.Join(s.us, "eth1", nil, s.them, "far1", nil)
	s.index, s.far = index(s.us, "eth0"), index(s.them, "far0")
	s.us.Do(func() (err error) {
		s.Listener, err = Listen()
		return err
	})
	t.Cleanup(func() { s.Listener.Close(); s.announcer.Close() })
	return s
}

func index(space *netspace.Space, name string) (index int) {
	space.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err == nil {
			index = link.Attrs().Index
		}
		return err
	})
	return index
}

func (s *segment) hold(addresses ...string) {
	s.t.Helper()
	var held []Held
	for _, a := range addresses {
		held = append(held, Held{Interface: "eth0", Index: s.index, Address: netip.MustParseAddr(a), Hardware: ours})
	}
	s.us.Do(func() error { return s.Hold(held) })
}

// claims has somebody with a hardware address announce an address on his interface.
func (s *segment) claims(far int, hardware [6]byte, address string) {
	s.t.Helper()
	s.them.Do(func() error {
		a, err := s.announcer.Prepare(announce.Interface{Name: "far", Index: far, Hardware: hardware}, []netip.Addr{netip.MustParseAddr(address)}, false, announce.Pace{})
		if err != nil {
			return err
		}
		defer s.announcer.Release(a)
		s.announcer.Queue(0, a, 1)
		_, err = s.announcer.Send(0)
		return err
	})
}

// ready says whether the listener's descriptor becomes readable soon, and what is read then.
func (s *segment) ready(soon time.Duration) (bool, []Conflict) {
	s.t.Helper()
	var n int
	err := error(unix.EINTR)
	for err == unix.EINTR { // by the runtime's own signals
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(s.FD()), Events: unix.POLLIN}}, int(soon.Milliseconds()))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	heard, err := s.Read(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return n > 0, heard
}

func (s *segment) wants(want ...Conflict) {
	s.t.Helper()
	_, heard := s.ready(time.Second)
	if !slices.Equal(heard, want) {
		s.t.Errorf("heard %v, want %v", heard, want)
	}
}

// silent says that the kernel's filter lets nothing through: the descriptor does not even become ready.
func (s *segment) silent(why string) {
	s.t.Helper()
	if ready, heard := s.ready(50 * time.Millisecond); ready {
		s.t.Errorf("%s: the loop is woken, and hears %v", why, heard)
	}
}

func TestNSSomebodyElsesClaimToAHeldAddressIsHeard(t *testing.T) {
	s := newSegment(t)
	s.claims(s.far, theirs, "192.0.2.1")
	s.silent("nothing is held")
	s.hold("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")
	claim := func(a string) Conflict {
		return Conflict{Interface: "eth0", Address: netip.MustParseAddr(a), Hardware: theirs}
	}
	s.claims(s.far, theirs, "192.0.2.1")
	s.wants(claim("192.0.2.1"), claim("192.0.2.1")) // a request and a reply
	s.claims(s.far, theirs, "192.0.2.2")
	s.wants(claim("192.0.2.2"), claim("192.0.2.2"))
	s.claims(s.far, theirs, "2001:db8::2")
	s.wants(claim("2001:db8::2"))

	s.claims(s.far, ours, "192.0.2.1")
	s.claims(s.far, ours, "2001:db8::1")
	s.silent("our own frames that a loop brings back")
	s.claims(s.far, theirs, "192.0.2.3")
	s.claims(s.far, theirs, "2001:db8::3")
	s.silent("addresses that are not held")

	s.hold("192.0.2.2")
	s.claims(s.far, theirs, "192.0.2.1")
	s.claims(s.far, theirs, "2001:db8::1")
	s.silent("addresses that are held no longer")
	s.claims(s.far, theirs, "192.0.2.2")
	s.wants(claim("192.0.2.2"), claim("192.0.2.2"))
	s.hold()
	s.claims(s.far, theirs, "192.0.2.2")
	s.silent("nothing is held any more")
}

func TestNSTheSameAddressOnAnotherWireIsNoConflict(t *testing.T) {
	s := newSegment(t)
	s.hold("192.0.2.1", "2001:db8::1")
	other := index(s.them, "far1")
	s.claims(other, theirs, "192.0.2.1")
	s.claims(other, theirs, "2001:db8::1")
	if _, heard := s.ready(100 * time.Millisecond); len(heard) != 0 {
		t.Errorf("heard %v", heard)
	}
}

func TestNSWhoAnswersAnARPRequestIsHeardAndWhoAsksIsNot(t *testing.T) {
	s := newSegment(t)
	s.hold("192.0.2.1")
	// He has the address, and the kernel of a third party, ours on eth0, asks for it.
	add := func(space *netspace.Space, name, address string) {
		space.Do(func() error {
			link, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			a, err := netlink.ParseAddr(address)
			if err != nil {
				return err
			}
			return netlink.AddrAdd(link, a)
		})
	}
	add(s.us, "eth0", "192.0.2.11/24")
	add(s.them, "far0", "192.0.2.12/24")
	resolve := func(from *netspace.Space, index int, address string) {
		from.Do(func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: netip.MustParseAddr(address).As4()})
		})
	}
	resolve(s.them, s.far, "192.0.2.1") // "who has 192.0.2.1? tell 192.0.2.12"
	s.silent("a question about the address")
	add(s.them, "far0", "192.0.2.1/32")
	resolve(s.us, s.index, "192.0.2.1")
	_, heard := s.ready(time.Second)
	if len(heard) != 1 || heard[0].Address != netip.MustParseAddr("192.0.2.1") || heard[0].Hardware == ours {
		t.Errorf("heard %v, want one answer", heard)
	}
}

func TestNSMoreAddressesThanAFilterHasRoomFor(t *testing.T) {
	s := newSegment(t)
	var addresses []string
	for i := range 2100 {
		addresses = append(addresses, fmt.Sprintf("10.0.%d.%d", i/250, i%250), fmt.Sprintf("2001:db8::%x", i+1))
	}
	s.hold(addresses...)
	s.claims(s.far, theirs, "10.0.8.99")
	s.claims(s.far, theirs, "2001:db8::834")
	_, heard := s.ready(time.Second)
	if len(heard) != 3 {
		t.Errorf("heard %v, want two of ARP and one advertisement", heard)
	}
	s.claims(s.far, ours, "10.0.8.99")
	s.claims(s.far, ours, "2001:db8::834")
	if _, heard := s.ready(100 * time.Millisecond); len(heard) != 0 {
		t.Errorf("our own frames are %v", heard)
	}
}

func TestNSAnInterfaceThatGoesDoesNotEndTheListener(t *testing.T) {
	s := newSegment(t)
	s.hold("192.0.2.1")
	s.us.Do(func() error {
		link, err := netlink.LinkByName("eth1")
		if err != nil {
			return err
		}
		return netlink.LinkDel(link)
	})
	s.claims(s.far, theirs, "192.0.2.1")
	if _, heard := s.ready(time.Second); len(heard) != 2 {
		t.Errorf("heard %v, want two", heard)
	}
}
