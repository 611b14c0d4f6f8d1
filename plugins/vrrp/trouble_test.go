package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// link does something to an interface of the plugin's.
func (s *segment) link(name string, f func(netlink.Link) error) {
	s.t.Helper()
	s.here.Do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return f(l)
	})
}

// strip takes an address away.
func (s *segment) strip(name string, a netip.Prefix) {
	s.t.Helper()
	s.link(name, func(l netlink.Link) error {
		n, err := netlink.ParseAddr(a.String())
		if err != nil {
			return err
		}
		return netlink.AddrDel(l, n)
	})
}

func (s *segment) addDummy(name string) {
	s.t.Helper()
	s.here.Do(func() error {
		a := netlink.NewLinkAttrs()
		a.Name = name
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: a}); err != nil {
			return err
		}
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(l)
	})
}

func TestNSAnInterfaceOfAnAddressThatGoesAndComesBack(t *testing.T) {
	inside := netip.MustParsePrefix("10.1.0.100/24")
	s := newSegment(t)
	s.addDummy("inside")
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Excluded = []sdk.VirtualAddress{{Prefix: inside, Interface: "inside"}}
	}))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.link("inside", netlink.LinkDel)
	s.until("the address is missed", func() bool {
		is := s.status(p, "VI_1")
		return len(is.Notices) > 0 && len(is.Held) == 1
	})
	before := s.status(p, "VI_1").Announced
	s.addDummy("inside")
	s.until("the address is back", func() bool { return s.has("inside", inside) })
	s.until("it is missed no more", func() bool {
		is := s.status(p, "VI_1")
		return len(is.Notices) == 0 && len(is.Held) == 2
	})
	s.until("it is announced", func() bool { return s.status(p, "VI_1").Announced > before })
}

func TestNSAnInterfaceThatHasAnotherNameHoldsNothing(t *testing.T) {
	s := newSegment(t)
	r := s.router()
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	r.drain()
	s.link("eth0", func(l netlink.Link) error { return netlink.LinkSetName(l, "wan") })
	s.becomes(p, "VI_1", sdk.VRRPFault)
	for r.hear().Priority != 0 {
	}
	s.until("the address is gone", func() bool { return !s.has("wan", vip) })
	s.link("wan", func(l netlink.Link) error { return netlink.LinkSetName(l, "eth0") })
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.until("the address is back", func() bool { return s.has("eth0", vip) })
}

// What leaves a namespace and comes back has its old index, and has left its groups.
func TestNSAnInterfaceThatComesBackUnderItsIndexIsListenedOn(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	elsewhere := netspace.New(t)
	var index int
	s.link("eth0", func(l netlink.Link) error {
		index = l.Attrs().Index
		return elsewhere.Give(l)
	})
	s.becomes(p, "VI_1", sdk.VRRPFault)
	elsewhere.Do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return s.here.Give(l)
	})
	s.link("eth0", func(l netlink.Link) error {
		if l.Attrs().Index != index {
			t.Skipf("the interface has index %d and had %d: this kernel gives another", l.Attrs().Index, index)
		}
		a, err := netlink.ParseAddr("10.0.0.1/24")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(l, a); err != nil {
			return err
		}
		return netlink.LinkSetUp(l)
	})
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	r := s.router()
	r.say(r.packet(200))
	s.becomes(p, "VI_1", sdk.VRRPBackup)
}

func TestNSIPv6AddressesThatGoWithTheirInterfaceAreNobodysFault(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	six := netip.MustParsePrefix("fd00::100/64")
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.Excluded = []sdk.VirtualAddress{{Prefix: six}} }))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	reports := make(chan sdk.VRRPReport, 100)
	go p.Watch(t.Context(), func(r sdk.VRRPReport) { reports <- r })
	<-reports
	release := make(chan struct{})
	go p.loop.do(t.Context(), func() error { <-release; return nil }) // so that all is seen at once
	s.link("eth0", netlink.LinkSetDown)
	close(release)
	s.becomes(p, "VI_1", sdk.VRRPFault)
	for r := range reports {
		if len(r.Notices) > 0 {
			t.Errorf("it says %+v", r.Notices)
		}
		if len(r.Transitions) > 0 {
			break
		}
	}
}

func TestNSAnAddressWhereThereIsNobodyToTellIsWatchedToo(t *testing.T) {
	inside := netip.MustParsePrefix("10.1.0.100/32")
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Excluded = []sdk.VirtualAddress{{Prefix: inside, Interface: "lo"}}
	}))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.strip("lo", inside)
	s.until("the address is back", func() bool { return s.has("lo", inside) })
}

func TestNSAnOwnerHasItsAddressWhateverItsRole(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	mine := netip.MustParsePrefix("10.0.0.1/24")
	owner := named("VI_1", 51, mine.String())
	owner.Priority = 255
	s.apply(p, owner)
	if is := s.status(p, "VI_1"); is.State != sdk.VRRPMaster || is.Source != own {
		t.Fatalf("the owner is %s: %s", is.State, is.Reason)
	}
	s.addDummy("other") // whatever is seen of the interfaces, it goes on
	time.Sleep(50 * time.Millisecond)
	if is := s.status(p, "VI_1"); is.State != sdk.VRRPMaster || !s.has("eth0", mine) {
		t.Errorf("then it is %s: %s", is.State, is.Reason)
	}
	owner.Released = true
	s.apply(p, owner)
	s.becomes(p, "VI_1", sdk.VRRPBackup)
	owner.Released = false
	s.apply(p, owner)
	s.becomes(p, "VI_1", sdk.VRRPMaster)
}

func TestNSAnnouncementsKeepTheirDistance(t *testing.T) {
	s := newSegment(t)
	fd := -1
	s.there.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, 0x0608) // ETH_P_ARP in network order
		return err
	})
	defer unix.Close(fd)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Announcements.Repeat, v.Announcements.ARPInterval = 5, time.Minute
	}))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	time.Sleep(50 * time.Millisecond)
	var frames int
	var b [128]byte
	for n, _, err := unix.Recvfrom(fd, b[:], 0); err == nil; n, _, err = unix.Recvfrom(fd, b[:], 0) {
		if n >= 42 && netip.AddrFrom4([4]byte(b[28:32])) == vip.Addr() {
			frames++
		}
	}
	if frames != 1 {
		t.Errorf("%d announcements in the first minute, want 1", frames)
	}
}

func TestNSAStopIsTheLastWord(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	owner := virtualRouter(func(v *sdk.VRRPInstance) { v.Priority = 255 })
	s.apply(p, owner)
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	if err := p.loop.do(t.Context(), func() error {
		p.loop.retry = 1 // something is due to be tried again in this very turn
		p.loop.release()
		p.loop.leaving = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	<-p.loop.ended
	if s.has("eth0", vip) {
		t.Error("after the end the address is there again")
	}
}

func TestNSWhatNobodyClaimsOfAPredecessorGoesInTime(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.AdvertInterval = 100 * time.Millisecond }))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.abandon(p)
	began := time.Now()
	s.plugin()
	for s.has("eth0", vip) {
		if time.Since(began) > patience {
			t.Fatal("the address is there, though nobody is master here and somebody else may be")
		}
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("it went after %v, before anybody else could be master", took)
	}
}

// At boot the addresses come after the plugin.
func TestNSASourceThatComesLater(t *testing.T) {
	six := named("six", 51, "fe80::100/64")
	unicast := named("unicast", 52, vip.String())
	unicast.Source, unicast.UnicastPeers = own, []netip.Addr{peer}
	s := newSegment(t)
	var taken []netlink.Addr
	s.link("eth0", func(l netlink.Link) error {
		all, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		for _, a := range all {
			if err == nil {
				err = netlink.AddrDel(l, &a)
			}
			taken = append(taken, a)
		}
		return err
	})
	p := s.plugin()
	s.apply(p, six, unicast)
	for _, name := range []string{"six", "unicast"} {
		if is := s.becomes(p, name, sdk.VRRPFault); is.Reason == "" {
			t.Errorf("%s is in fault, and nobody knows why", name)
		}
	}
	s.link("eth0", func(l netlink.Link) error {
		for _, a := range taken {
			a.Flags = unix.IFA_F_NODAD
			if err := netlink.AddrAdd(l, &a); err != nil {
				return err
			}
		}
		return nil
	})
	s.becomes(p, "six", sdk.VRRPMaster)
	if is := s.becomes(p, "unicast", sdk.VRRPMaster); is.SendErrors != 0 || !s.has("eth0", vip) {
		t.Errorf("it is %+v", is)
	}
}
