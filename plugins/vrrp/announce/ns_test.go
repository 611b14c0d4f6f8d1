package announce

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// A wire is an interface of one namespace, and what arrives at its other end.
type wire struct {
	t     *testing.T
	space *netspace.Space
	Interface
	hear int // a packet socket
}

// newWire joins two namespaces. addresses are the interface's.
func newWire(t *testing.T, addresses ...string) *wire {
	t.Helper()
	w := &wire{t: t, space: netspace.New(t)}
	other := netspace.New(t)
	other.Sysctl("net/ipv6/conf/default/disable_ipv6", "1") // it says nothing itself
	w.space.Sysctl("net/ipv6/conf/default/disable_ipv6", "1")
	netspace.Join(w.space, "eth0", addresses, other, "far0", nil)
	other.Do(func() (err error) {
		w.hear, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0x0300) // ETH_P_ALL
		if err == nil {
			err = unix.SetsockoptTimeval(w.hear, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 300_000})
		}
		return err
	})
	t.Cleanup(func() { unix.Close(w.hear) })
	w.Interface = w.lookUp()
	return w
}

func (w *wire) lookUp() (i Interface) {
	w.t.Helper()
	w.space.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		i = Interface{Name: "eth0", Index: link.Attrs().Index, Hardware: [6]byte(link.Attrs().HardwareAddr)}
		return nil
	})
	return i
}

// heard returns the frames that have arrived, and the times between them.
func (w *wire) heard(count int) (frames [][]byte, gaps []time.Duration) {
	w.t.Helper()
	var last time.Time
	for len(frames) < count {
		b := make([]byte, 2000)
		n, _, err := unix.Recvfrom(w.hear, b, 0)
		if err != nil {
			w.t.Fatalf("%d frames arrived, want %d: %v", len(frames), count, err)
		}
		if !last.IsZero() {
			gaps = append(gaps, time.Since(last))
		}
		last = time.Now()
		frames = append(frames, b[:n])
	}
	if n, _, err := unix.Recvfrom(w.hear, make([]byte, 2000), unix.MSG_DONTWAIT); err == nil {
		w.t.Fatalf("one more frame of %d bytes", n)
	}
	return frames, gaps
}

func (w *wire) announcer() *Announcer {
	a := New()
	w.t.Cleanup(func() { a.Close() })
	return a
}

func (w *wire) prepare(a *Announcer, i Interface, router bool, addresses ...string) *Announcement {
	w.t.Helper()
	var list []netip.Addr
	for _, s := range addresses {
		list = append(list, netip.MustParseAddr(s))
	}
	var announcement *Announcement
	w.space.Do(func() (err error) {
		announcement, err = a.Prepare(i, list, router, Pace{})
		return err
	})
	return announcement
}

func bytesOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.Join(bytes.Fields([]byte(s)), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNSBothFormsOfARPLeaveAnInterfaceWithoutAddress(t *testing.T) {
	w := newWire(t) // none at all
	a := w.announcer()
	w.Hardware = [6]byte{0x00, 0x00, 0x5e, 0x00, 0x01, 0x33} // the virtual router 51's
	a.Queue(0, w.prepare(a, w.Interface, false, "192.0.2.1"), 1)
	if sent, err := a.Send(0); sent != 2 || err != nil {
		t.Fatalf("sent %d, %v; want 2", sent, err)
	}
	frames, _ := w.heard(2)
	for i, want := range []string{
		"ffffffffffff 00005e000133 0806  0001 0800 06 04 0001  00005e000133 c0000201  000000000000 c0000201",
		"ffffffffffff 00005e000133 0806  0001 0800 06 04 0002  00005e000133 c0000201  00005e000133 c0000201",
	} {
		if !bytes.Equal(frames[i], bytesOf(t, want)) {
			t.Errorf("frame %d is\n%x, want\n%s", i, frames[i], want)
		}
	}
}

func TestNSAnUnsolicitedAdvertisementLeavesAnInterfaceWithoutAddress(t *testing.T) {
	w := newWire(t)
	a := w.announcer()
	w.Hardware = [6]byte{0x00, 0x00, 0x5e, 0x00, 0x02, 0x33}
	for router, want := range map[bool]string{
		// The checksums by hand: the complement of the sum over the pseudo-header and the message.
		false: "333300000001 00005e000233 86dd  60000000 0020 3a ff  20010db8000000000000000000000001 ff020000000000000000000000000001" +
			"88 00 9af8 20000000  20010db8000000000000000000000001  02 01 00005e000233",
		true: "333300000001 00005e000233 86dd  60000000 0020 3a ff  20010db8000000000000000000000001 ff020000000000000000000000000001" +
			"88 00 1af8 a0000000  20010db8000000000000000000000001  02 01 00005e000233",
	} {
		a.Queue(0, w.prepare(a, w.Interface, router, "2001:db8::1"), 1)
		if sent, err := a.Send(0); sent != 1 || err != nil {
			t.Fatalf("sent %d, %v; want 1", sent, err)
		}
		if frames, _ := w.heard(1); !bytes.Equal(frames[0], bytesOf(t, want)) {
			t.Errorf("the frame is\n%x, want\n%x", frames[0], bytesOf(t, want))
		}
	}
}

func TestNSANeighboursCacheFollowsTheAnnouncement(t *testing.T) {
	// Two hosts on a wire; the second has an entry for the VIP that is stale by hardware address.
	a, b := netspace.New(t), netspace.New(t)
	netspace.Join(a, "eth0", []string{"192.0.2.11/24", "2001:db8::11/64"}, b, "eth0", []string{"192.0.2.12/24", "2001:db8::12/64"})
	other := []byte{2, 0, 0, 0, 0, 9}
	entries := map[string]int{"192.0.2.1": unix.AF_INET, "2001:db8::1": unix.AF_INET6}
	b.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		for ip, family := range entries {
			n := &netlink.Neigh{LinkIndex: link.Attrs().Index, Family: family, State: netlink.NUD_STALE, IP: netip.MustParseAddr(ip).AsSlice(), HardwareAddr: other}
			if err := netlink.NeighSet(n); err != nil {
				return err
			}
		}
		return nil
	})
	w := &wire{t: t, space: a}
	w.Interface = w.lookUp()
	announcer := w.announcer()
	announcer.Queue(0, w.prepare(announcer, w.Interface, false, "192.0.2.1", "2001:db8::1"), 1)
	if sent, err := announcer.Send(0); sent != 3 || err != nil {
		t.Fatalf("sent %d, %v; want 3", sent, err)
	}
	for ip, family := range entries {
		deadline := time.Now().Add(2 * time.Second)
		for has := false; !has; time.Sleep(time.Millisecond) {
			b.Do(func() error {
				list, err := netlink.NeighList(0, family)
				for _, n := range list {
					has = has || n.IP.String() == ip && bytes.Equal(n.HardwareAddr, w.Hardware[:])
				}
				return err
			})
			if time.Now().After(deadline) {
				t.Fatalf("the neighbour still has the old hardware address of %s", ip)
			}
		}
	}
}

func TestNSToAnnounceAllocatesNothing(t *testing.T) {
	w := newWire(t)
	a := w.announcer()
	announcement := w.prepare(a, w.Interface, false, "192.0.2.1", "192.0.2.2", "2001:db8::1")
	w.space.Do(func() error {
		now := time.Duration(0)
		if n := testing.AllocsPerRun(5, func() {
			a.Queue(now, announcement, 5)
			for at, ok := a.Next(); ok; at, ok = a.Next() {
				now = at
				if _, err := a.Send(now); err != nil {
					t.Error(err)
				}
			}
		}); n != 0 {
			t.Errorf("%v allocations to announce three addresses five times", n)
		}
		return nil
	})
}

func TestNSAnInterfaceThatIsDownOrGoneIsAnErrorThatNamesIt(t *testing.T) {
	w := newWire(t)
	a := w.announcer()
	announcement := w.prepare(a, w.Interface, false, "192.0.2.1")
	set := func(change func(netlink.Link) error) {
		w.space.Do(func() error {
			link, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			return change(link)
		})
	}
	send := func(want string) {
		t.Helper()
		a.Queue(0, announcement, 1)
		_, err := a.Send(0)
		if err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
		if _, left := a.Next(); left {
			t.Error("frames are left that cannot be sent")
		}
	}
	set(netlink.LinkSetDown)
	send("announce on interface eth0: network is down")
	set(netlink.LinkSetUp)
	send("")
	set(netlink.LinkDel)
	send("announce on interface eth0: no such device or address")
	w.space.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.Index = "eth0", w.Index // as after a move through another namespace
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "far0"}); err != nil {
			return err
		}
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(link)
	})
	next := w.prepare(a, w.lookUp(), false, "192.0.2.1")
	a.Release(announcement)
	announcement = next
	set(func(netlink.Link) error {
		link, err := netlink.LinkByName("far0")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(link)
	})
	send("")
}
