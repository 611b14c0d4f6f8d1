package announce

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A fake is the sockets of all interfaces; what is written is kept as "eth0 request 192.0.2.1".
type fake struct {
	*Announcer
	t      *testing.T
	frames []string
	pace   Pace
	fail   []error // of the next writes
	closed []string
}

type fakeSocket struct {
	*fake
	name string
}

func newFake(t *testing.T) *fake {
	f := &fake{Announcer: New(), t: t}
	f.open = func(i Interface) (socket, error) { return &fakeSocket{f, i.Name}, nil }
	return f
}

func (s *fakeSocket) Write(frame []byte) error {
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		if err != nil {
			return err
		}
	}
	what := ""
	switch {
	case binary.BigEndian.Uint16(frame[12:]) == unix.ETH_P_IPV6:
		what = "advertisement " + netip.AddrFrom16([16]byte(frame[62:])).String()
	case frame[21] == 1:
		what = "request " + netip.AddrFrom4([4]byte(frame[28:])).String()
	default:
		what = "reply " + netip.AddrFrom4([4]byte(frame[28:])).String()
	}
	s.frames = append(s.frames, s.name+" "+what)
	return nil
}

func (s *fakeSocket) Close() error {
	s.closed = append(s.closed, s.name)
	return nil
}

func (f *fake) prepare(index int, addresses ...string) *Announcement {
	f.t.Helper()
	var list []netip.Addr
	for _, a := range addresses {
		list = append(list, netip.MustParseAddr(a))
	}
	a, err := f.Prepare(Interface{Name: fmt.Sprintf("eth%d", index), Index: index, Hardware: [6]byte{2, 0, 0, 0, 0, byte(index)}}, list, false, f.pace)
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

// sends says what is written when time is now.
func (f *fake) sends(now time.Duration, want ...string) {
	f.t.Helper()
	f.frames = nil
	if _, err := f.Send(now); err != nil {
		f.t.Errorf("at %v: %v", now, err)
	}
	if !slices.Equal(f.frames, want) {
		f.t.Errorf("at %v:\n  %q, want\n  %q", now, f.frames, want)
	}
}

func (f *fake) next(want time.Duration) {
	f.t.Helper()
	if at, ok := f.Next(); !ok || at != want {
		f.t.Errorf("next is at %v (%v), want %v", at, ok, want)
	}
}

func (f *fake) idle() {
	f.t.Helper()
	if at, ok := f.Next(); ok {
		f.t.Errorf("something is to be sent at %v", at)
	}
}

const ms = time.Millisecond

func TestWithoutIntervalAllIsSentAtOnce(t *testing.T) {
	f := newFake(t)
	a := f.prepare(0, "192.0.2.1", "2001:db8::1")
	f.idle()
	f.Queue(7*ms, a, 2)
	f.next(7 * ms)
	f.sends(7*ms, "eth0 request 192.0.2.1", "eth0 reply 192.0.2.1", "eth0 request 192.0.2.1", "eth0 reply 192.0.2.1",
		"eth0 advertisement 2001:db8::1", "eth0 advertisement 2001:db8::1")
	f.idle()
}

func TestFramesOfAFamilyOnAnInterfaceKeepTheirDistance(t *testing.T) {
	f := newFake(t)
	f.pace = Pace{10 * ms, 25 * ms}
	f.Queue(0, f.prepare(0, "192.0.2.1", "2001:db8::1"), 2)
	f.Queue(0, f.prepare(1, "192.0.2.9"), 1)
	f.sends(0, "eth0 request 192.0.2.1", "eth0 advertisement 2001:db8::1", "eth1 request 192.0.2.9")
	f.sends(9 * ms)
	f.next(10 * ms)
	f.sends(10*ms, "eth0 reply 192.0.2.1", "eth1 reply 192.0.2.9")
	f.sends(21*ms, "eth0 request 192.0.2.1") // late: the distance counts from when it went
	f.next(25 * ms)
	f.sends(25*ms, "eth0 advertisement 2001:db8::1")
	f.next(31 * ms)
	f.sends(31*ms, "eth0 reply 192.0.2.1")
	f.idle()
	// Queued again: the last frame's distance still counts.
	f.Queue(32*ms, f.prepare(0, "192.0.2.3"), 1)
	f.next(41 * ms)
}

func TestInstancesOnAnInterfaceTakeTurns(t *testing.T) {
	f := newFake(t)
	a, b := f.prepare(0, "2001:db8::a"), f.prepare(0, "2001:db8::b")
	f.Queue(0, a, 2)
	f.Queue(0, b, 3)
	const A, B = "eth0 advertisement 2001:db8::a", "eth0 advertisement 2001:db8::b"
	f.sends(0, A, B, A, B, B)
}

func TestAnInstanceThatIsNoLongerMasterAnnouncesNothingMore(t *testing.T) {
	f := newFake(t)
	f.pace.ARP = 10 * ms
	a, b := f.prepare(0, "192.0.2.1"), f.prepare(0, "192.0.2.2")
	f.Queue(0, a, 5)
	f.Queue(0, b, 1)
	f.sends(0, "eth0 request 192.0.2.1")
	f.Cancel(a)
	f.Cancel(a)
	f.sends(10*ms, "eth0 request 192.0.2.2")
	f.sends(20*ms, "eth0 reply 192.0.2.2")
	f.idle()
}

func TestOneThatIsQueuedAgainBeginsAgain(t *testing.T) {
	f := newFake(t)
	f.pace.ND = 10 * ms
	a := f.prepare(0, "2001:db8::1", "2001:db8::2")
	f.Queue(0, a, 5)
	f.sends(0, "eth0 advertisement 2001:db8::1")
	f.Queue(5*ms, a, 1)
	f.sends(10*ms, "eth0 advertisement 2001:db8::1")
	f.sends(20*ms, "eth0 advertisement 2001:db8::2")
	f.idle()
	f.Queue(30*ms, a, 1)
	f.Queue(30*ms, a, 0)
	f.idle()
}

func TestALongQueueIsSentInPartsSoThatAdvertsGetThrough(t *testing.T) {
	f := newFake(t)
	var addresses []string
	for i := range 50 {
		addresses = append(addresses, fmt.Sprintf("10.0.0.%d", i))
	}
	f.Queue(0, f.prepare(0, addresses...), 1)
	total := 0
	for _, want := range []int{64, 36} {
		f.next(0)
		sent, err := f.Send(0)
		if sent != want || err != nil {
			t.Errorf("sent %d, %v; want %d", sent, err, want)
		}
		total += sent
	}
	if f.idle(); len(f.frames) != total {
		t.Errorf("%d frames, %d said", len(f.frames), total)
	}
}

func TestAFrameForWhichThereIsNoRoomIsTriedAgain(t *testing.T) {
	f := newFake(t)
	f.Queue(0, f.prepare(0, "192.0.2.1"), 1)
	f.fail = []error{nil, unix.ENOBUFS, unix.EAGAIN}
	f.sends(0, "eth0 request 192.0.2.1")
	f.next(1 * ms)
	f.sends(1 * ms)
	f.sends(2*ms, "eth0 reply 192.0.2.1")
	f.idle()
}

func TestAFrameForWhichThereIsNeverRoomIsGivenUp(t *testing.T) {
	f := newFake(t)
	f.Queue(0, f.prepare(0, "2001:db8::1"), 1)
	for range 1000 {
		f.fail = append(f.fail, unix.ENOBUFS)
	}
	for range 1000 {
		at, ok := f.Next()
		if !ok {
			t.Fatal("given up without a word")
		}
		if _, err := f.Send(at); err != nil {
			if !errors.Is(err, unix.ENOBUFS) || at < 50*ms || at > 200*ms {
				t.Errorf("at %v: %v", at, err)
			}
			f.idle()
			return
		}
	}
	t.Error("never given up")
}

func TestASocketIsClosedWithItsLastAnnouncement(t *testing.T) {
	f := newFake(t)
	a, b := f.prepare(0, "192.0.2.1", "2001:db8::1"), f.prepare(0, "192.0.2.2")
	f.Queue(0, a, 1)
	f.Release(a)
	f.idle()
	if len(f.closed) != 0 {
		t.Errorf("closed %q while one is left", f.closed)
	}
	f.Release(b)
	if !slices.Equal(f.closed, []string{"eth0"}) {
		t.Errorf("closed %q, want eth0 once", f.closed)
	}
	f.prepare(0, "192.0.2.1", "2001:db8::1")
	if f.Close(); !slices.Equal(f.closed, []string{"eth0", "eth0"}) {
		t.Errorf("closed %q, want eth0 twice", f.closed)
	}
}

func TestAnInterfaceWithoutEthernetAddressIsAnError(t *testing.T) {
	_, err := New().Prepare(Interface{Name: "wg0", Index: 9}, []netip.Addr{netip.MustParseAddr("192.0.2.1")}, false, Pace{})
	if want := "interface wg0: announce 192.0.2.1: the interface has no Ethernet address"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
