package vrrp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/announce"
	"github.com/evenkeel/evenkeel/plugins/vrrp/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// abandon ends the plugin as a kill would: nothing is said, and nothing is cleaned up.
func (s *segment) abandon(p *plugin) {
	s.t.Helper()
	if err := p.Stop(context.Background(), false); err != nil {
		s.t.Fatal(err)
	}
}

func TestNSASuccessorGoesOnAsMaster(t *testing.T) {
	slow := func(v *sdk.VRRPInstance) { v.AdvertInterval, v.Preempt = 200*time.Millisecond, false }
	s := newSegment(t)
	r := s.router(func(q *advert.Params) { q.Interval = 200 * time.Millisecond })
	p := s.plugin()
	s.apply(p, virtualRouter(slow))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.abandon(p)
	if !s.has("eth0", vip) {
		t.Fatal("the address went with the plugin")
	}
	r.drain()
	p = s.plugin()
	s.apply(p, virtualRouter(slow))
	is := s.status(p, "VI_1")
	if is.State != sdk.VRRPMaster || !s.has("eth0", vip) {
		t.Errorf("the successor is %s: %s", is.State, is.Reason)
	}
	if a := r.hear(); a.Priority != 100 { // not the goodbye of somebody
		t.Errorf("the successor begins with %+v", a)
	}
}

func TestNSASuccessorThatComesTooLateBeginsAnew(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.abandon(p)
	time.Sleep(100 * time.Millisecond) // five intervals: somebody else may be master
	p = s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.StartupDelay = time.Minute }))
	if is := s.status(p, "VI_1"); is.State != sdk.VRRPBackup {
		t.Errorf("the successor is %s", is.State)
	}
	if s.has("eth0", vip) {
		t.Error("a backup holds the address")
	}
}

func TestNSWhatNobodyWantsAnyMoreIsRemoved(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.abandon(p)
	p = s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Name, v.VirtualRouterID = "VI_2", 52
		v.Addresses = []sdk.VirtualAddress{{Prefix: netip.MustParsePrefix("10.0.0.200/24")}}
	}))
	if s.has("eth0", vip) {
		t.Error("the address of an instance that is gone is there still")
	}
}

func TestNSASuccessorThatWasToldNothingGivesUpWhatWasHeld(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.abandon(p)
	if err := s.plugin().Stop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if s.has("eth0", vip) {
		t.Error("the address is there still")
	}
	if left, err := os.ReadDir(s.keep); err != nil || len(left) != 0 {
		t.Errorf("it has left %v, %v", left, err)
	}
}

func TestNSTwoPluginsAreNotOne(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	if _, err := start(p.loop.log, s.keep, func() error {
		runtime.LockOSThread()
		return s.here.Enter()
	}); err == nil {
		t.Error("a second plugin starts beside the first")
	}
}

func TestNSSomebodyElseWhoHasTheAddressIsANotice(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	his := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	frames, err := announce.Frames([6]byte(his), vip.Addr(), false)
	if err != nil {
		t.Fatal(err)
	}
	s.there.Do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, frames[0], 0, &unix.SockaddrLinklayer{Ifindex: l.Attrs().Index})
	})
	want := vip.Addr().String() + " " + his.String()
	s.until("the claim is noticed", func() bool {
		n := s.status(p, "VI_1").Notices
		return len(n) == 1 && n[0].Kind == sdk.NoticeConflict && n[0].Subject == want
	})
	r := s.router()
	r.say(r.packet(200))
	s.becomes(p, "VI_1", sdk.VRRPBackup)
	if n := s.status(p, "VI_1").Notices; len(n) != 0 {
		t.Errorf("a backup has notices: %+v", n)
	}
}

func TestNSADelayOfATrackedInterface(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Interfaces = []sdk.TrackedInterface{{Name: "eth0", DownDelay: time.Minute}}
	}))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.there.Do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkSetDown(l)
	})
	s.until("the link is seen to be down", func() (down bool) {
		if err := p.loop.do(t.Context(), func() error {
			var is link.Link
			is, _ = p.loop.links.Link("eth0")
			down = !is.Up
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return down
	})
	if is := s.status(p, "VI_1"); is.State != sdk.VRRPMaster {
		t.Errorf("before the delay is over it is %s: %s", is.State, is.Reason)
	}
}

func TestNSOverIPv6(t *testing.T) {
	six := netip.MustParsePrefix("fd00::100/64")
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Addresses = []sdk.VirtualAddress{{Prefix: netip.MustParsePrefix("fe80::100/64")}, {Prefix: six}, {Prefix: vip}}
	}))
	is := s.becomes(p, "VI_1", sdk.VRRPMaster)
	if is.Source != netip.MustParseAddr("fe80::1") && !is.Source.IsLinkLocalUnicast() {
		t.Errorf("its adverts come from %s", is.Source)
	}
	for _, a := range []netip.Prefix{six, vip} {
		if !s.has("eth0", a) {
			t.Errorf("it has not %s", a)
		}
	}
}

func TestNSAnAdvertOnTimeAllocatesNothing(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.AdvertInterval, v.Priority = time.Hour/100, 255 }))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	if err := p.loop.do(t.Context(), func() error {
		i := p.loop.instances[0]
		if n := testing.AllocsPerRun(100, func() { p.loop.advertise(i, 255) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
