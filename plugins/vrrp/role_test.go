package vrrp

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
)

func TestNSAMasterAdvertisesHoldsItsAddressesAndSaysGoodbye(t *testing.T) {
	s := newSegment(t)
	r := s.router()
	p := s.plugin()
	s.apply(p, virtualRouter())
	if a := r.hear(); a.Priority != 100 || a.Source != own || a.Interval != 20*time.Millisecond || !a.SameAddresses {
		t.Errorf("its first advert is %+v", a)
	}
	s.until("the address is there", func() bool { return s.has("eth0", vip) })
	is := s.becomes(p, "VI_1", sdk.VRRPMaster)
	if len(is.Held) != 1 || is.Held[0] != vip || is.BecameMaster != 1 || is.Source != own || is.Announced == 0 {
		t.Errorf("its status is %+v", is)
	}
	r.drain()
	if err := p.Stop(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	for r.hear().Priority != 0 {
	}
	if s.has("eth0", vip) {
		t.Error("the address is there still")
	}
}

func TestNSAHigherPriorityTakesTheRoleAndGivesItBack(t *testing.T) {
	s := newSegment(t)
	r := s.router()
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	r.say(r.packet(200))
	is := s.becomes(p, "VI_1", sdk.VRRPBackup)
	if s.has("eth0", vip) {
		t.Error("a backup holds the address")
	}
	if is.MasterAddress != peer || is.MasterPriority != 200 {
		t.Errorf("its master is %s with %d", is.MasterAddress, is.MasterPriority)
	}
	r.say(r.packet(0))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
}

func TestNSAnotherMasterIsANoticeUntilItIsGone(t *testing.T) {
	s := newSegment(t)
	r := s.router()
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	s.until("the rival is noticed", func() bool {
		r.say(r.packet(50)) // in its first interval as master it takes no notice: that may be one who has not heard it yet
		n := s.status(p, "VI_1").Notices
		return len(n) == 1 && n[0].Kind == sdk.NoticeRival && n[0].Subject == peer.String()
	})
	s.until("it is gone", func() bool { return len(s.status(p, "VI_1").Notices) == 0 })
}

func TestNSTheCoreIsToldOfEverything(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports := make(chan sdk.VRRPReport, 100)
	done := make(chan error, 1)
	go func() { done <- p.Watch(ctx, func(r sdk.VRRPReport) { reports <- r }) }()
	first := <-reports
	if !first.Snapshot || len(first.Transitions) != 1 || first.Transitions[0].To != sdk.VRRPMaster || first.Transitions[0].From != "" {
		t.Errorf("the snapshot is %+v", first)
	}
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.Fault = "check.script.nginx is down" }))
	r := <-reports
	if len(r.Transitions) != 1 || r.Transitions[0].From != sdk.VRRPMaster || r.Transitions[0].To != sdk.VRRPFault || r.Transitions[0].Reason != "check.script.nginx is down" {
		t.Errorf("the transition is %+v", r)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("a watch ends without an error")
	}
}

func TestNSAReloadMissesNoAdvert(t *testing.T) {
	s := newSegment(t)
	r := s.router(func(p *advert.Params) { p.Interval = 100 * time.Millisecond })
	slow := func(v *sdk.VRRPInstance) { v.AdvertInterval = 100 * time.Millisecond }
	other := netip.MustParsePrefix("10.0.0.101/24")
	p := s.plugin()
	s.apply(p, virtualRouter(slow))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	for n := range 10 { // faster than adverts: were the timer started anew, none would be sent
		s.apply(p, virtualRouter(slow, func(v *sdk.VRRPInstance) {
			v.Priority = uint8(100 + n)
			if n%2 == 1 {
				v.Addresses = append(v.Addresses, sdk.VirtualAddress{Prefix: other})
			}
		}))
		if s.has("eth0", other) != (n%2 == 1) || !s.has("eth0", vip) {
			t.Errorf("after reload %d the addresses are wrong", n)
		}
		time.Sleep(30 * time.Millisecond)
	}
	is := s.status(p, "VI_1")
	if is.State != sdk.VRRPMaster || is.BecameMaster != 1 {
		t.Errorf("it is %s, and became master %d times", is.State, is.BecameMaster)
	}
	r.drain()
	if a := r.hear(); a.Priority != 109 {
		t.Errorf("it says priority %d", a.Priority)
	}
	if sent := is.AdvertsSent; sent < 3 {
		t.Errorf("it has sent %d adverts in 300 ms", sent)
	}
}

func TestNSAnInstanceThatIsGoneLeaves(t *testing.T) {
	s := newSegment(t)
	r := s.router()
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	r.drain()
	s.apply(p)
	for r.hear().Priority != 0 {
	}
	if s.has("eth0", vip) {
		t.Error("the address is there still")
	}
	if st, err := p.Status(t.Context()); err != nil || len(st.Instances) != 0 {
		t.Errorf("status: %+v, %v", st, err)
	}
	if n := len(p.loop.sockets); n != 0 { // the loop is at rest
		t.Errorf("%d sockets are open still", n)
	}
}

func TestNSAnInterfaceThatGoesAndComesBack(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	link := func(f func(netlink.Link) error) {
		s.there.Do(func() error {
			l, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			return f(l)
		})
	}
	link(netlink.LinkSetDown) // the other end: carrier is lost
	if is := s.becomes(p, "VI_1", sdk.VRRPFault); is.Reason != "interface eth0 is down" || s.has("eth0", vip) {
		t.Errorf("without carrier: %q, and it holds its address: %v", is.Reason, s.has("eth0", vip))
	}
	link(netlink.LinkSetUp)
	s.becomes(p, "VI_1", sdk.VRRPMaster)

	link(netlink.LinkDel)
	if is := s.becomes(p, "VI_1", sdk.VRRPFault); is.Reason != "there is no interface eth0" {
		t.Errorf("without the interface: %q", is.Reason)
	}
	s.join()
	r := s.router()
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	if a := r.hear(); a.Priority != 100 {
		t.Errorf("on the new interface it says %+v", a)
	}
	if !s.has("eth0", vip) {
		t.Error("the new interface has no address")
	}
}

func TestNSAnAddressThatSomebodyRemovesIsPutBack(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	reports := make(chan sdk.VRRPReport, 100)
	go p.Watch(t.Context(), func(r sdk.VRRPReport) { reports <- r })
	<-reports
	s.here.Do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr(vip.String())
		if err != nil {
			return err
		}
		return netlink.AddrDel(l, a)
	})
	s.until("the address is back", func() bool { return s.has("eth0", vip) })
	begun, ended := <-reports, <-reports
	if len(begun.Notices) != 1 || begun.Notices[0].Kind != sdk.NoticeAddress || begun.Notices[0].Ended {
		t.Errorf("first it tells %+v", begun)
	}
	if len(ended.Notices) != 1 || !ended.Notices[0].Ended {
		t.Errorf("then it tells %+v", ended)
	}
}

func TestNSATrackedInterfaceChangesThePriority(t *testing.T) {
	s := newSegment(t)
	r := s.router()
	s.here.Do(func() error {
		a := netlink.NewLinkAttrs()
		a.Name = "uplink"
		return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: a})
	})
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Interfaces = []sdk.TrackedInterface{{Name: "uplink", Weight: -30}}
	}))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	r.drain()
	if a := r.hear(); a.Priority != 70 {
		t.Errorf("with the interface down it says priority %d", a.Priority)
	}
	s.here.Do(func() error {
		l, err := netlink.LinkByName("uplink")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(l)
	})
	until := func(want uint8) {
		t.Helper()
		for a := r.hear(); a.Priority != want; a = r.hear() {
			if !slices.Contains([]uint8{70, 100, 125}, a.Priority) {
				t.Fatalf("it says priority %d, want %d", a.Priority, want)
			}
		}
	}
	until(100)
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) {
		v.Interfaces = []sdk.TrackedInterface{{Name: "uplink", Weight: 20}, {Name: "lo", Weight: 5}}
	}))
	until(125)
}

func TestNSAnOperatorHasTheAddressesAnnouncedAgain(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	garp := sdk.VRRPCommand{Instance: "VI_1", Action: sdk.CommandAnnounce}
	if err := p.Command(t.Context(), garp); err == nil {
		t.Error("a backup announces")
	}
	before := s.becomes(p, "VI_1", sdk.VRRPMaster).Announced
	if err := p.Command(t.Context(), garp); err != nil {
		t.Error(err)
	}
	if n := s.status(p, "VI_1").Announced; n != before+2 {
		t.Errorf("%d announcements after %d", n, before)
	}
	for _, c := range []sdk.VRRPCommand{{Instance: "VI_9", Action: "garp"}, {Instance: "VI_1", Action: "dance"}} {
		if err := p.Command(t.Context(), c); err == nil {
			t.Errorf("%+v is carried out", c)
		}
	}
}

func TestNSAVirtualMAC(t *testing.T) {
	s := newSegment(t)
	r := s.router()
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.VirtualMAC.Use = true }))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	if a := r.hear(); a.Source != own {
		t.Errorf("its adverts come from %s", a.Source)
	}
	if !s.has("vrrp.51", vip) || s.has("eth0", vip) {
		t.Error("the address is not on the macvlan")
	}
	s.apply(p)
	s.here.Do(func() error {
		if _, err := netlink.LinkByName("vrrp.51"); err == nil {
			t.Error("the macvlan is there still")
		}
		return nil
	})
}
