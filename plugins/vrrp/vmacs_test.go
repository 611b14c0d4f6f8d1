package vrrp

import (
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// Whatever happens to any interface has all instances looked at. That must not take the time of adverts.
func TestNSALookAtManyVirtualMACsTakesNoTime(t *testing.T) {
	const n = 50
	s := newSegment(t)
	p := s.plugin()
	all := many(n, time.Second)
	for i := range all {
		all[i].VirtualMAC.Use = true
	}
	s.apply(p, all...)
	s.becomes(p, "VI_49", sdk.VRRPMaster)
	s.until("all is done that came of it", func() (rest bool) {
		if err := p.loop.do(t.Context(), func() error { rest = p.loop.retry == 0; return nil }); err != nil {
			t.Fatal(err)
		}
		return rest
	})
	var least time.Duration
	if err := p.loop.do(t.Context(), func() error {
		for range 5 {
			began := wire.Now()
			p.loop.refresh(began)
			if took := wire.Now() - began; least == 0 || took < least {
				least = took
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("a look at %d virtual MACs took %v", n, least)
	if least > 10*time.Millisecond {
		t.Error("that is an advert's time")
	}
	// One that somebody has set down is set up again, with its address.
	s.link("vrrp.50", netlink.LinkSetDown)
	s.until("it is up again", func() (up bool) {
		s.link("vrrp.50", func(l netlink.Link) error {
			up = l.Attrs().OperState == netlink.OperUp
			return nil
		})
		return up
	})
}

func TestNSNewVirtualMACsHoldUpNoAdvert(t *testing.T) {
	const n = 30
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	all := many(n, time.Second)
	for i := range all {
		all[i].VirtualMAC.Use, all[i].Name = true, all[i].Name+"m"
		all[i].VirtualRouterID += 100
		all[i].Priority = 100
	}
	began := time.Now()
	s.apply(p, append(all, virtualRouter())...)
	s.until("the last virtual MAC is made", func() bool { return s.status(p, "VI_29m").State != sdk.VRRPFault })
	made := time.Since(began)
	is := s.status(p, "VI_1")
	t.Logf("while %d new virtual MACs were made in %v the largest gap was %v", n, made, is.LargestAdvertGap)
	// On a machine that is busy with something else all is slower alike.
	if is.LargestAdvertGap > max(150*time.Millisecond, made/4) || is.BecameMaster != 1 {
		t.Errorf("it is %+v", is)
	}
}
