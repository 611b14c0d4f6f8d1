package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/link"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// named is a virtual router with another name, ID and addresses.
func named(name string, id uint8, addresses ...string) sdk.VRRPInstance {
	return virtualRouter(func(v *sdk.VRRPInstance) {
		v.Name, v.VirtualRouterID, v.Addresses = name, id, nil
		for _, a := range addresses {
			v.Addresses = append(v.Addresses, sdk.VirtualAddress{Prefix: netip.MustParsePrefix(a)})
		}
	})
}

// removals sees what goes from the plugin's interfaces.
func (s *segment) removals() func() []string {
	s.t.Helper()
	var m *link.Monitor
	s.here.Do(func() (err error) {
		m, err = link.Open()
		return err
	})
	s.t.Cleanup(func() { m.Close() })
	return func() (gone []string) {
		s.t.Helper()
		events, err := m.Read(nil)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == link.AddressRemoved {
				gone = append(gone, e.Address.String())
			}
		}
		return gone
	}
}

func TestNSAnAddressThatMovesToAnotherMasterIsNeverGone(t *testing.T) {
	const x, y, z = "10.0.0.100/24", "10.0.0.101/24", "10.0.0.102/24"
	for what, next := range map[string][]sdk.VRRPInstance{
		"from the first to the second":  {named("A", 51, y), named("B", 52, z, x)},
		"when the second is read first": {named("B", 52, z, x), named("A", 51, y)},
		"from one that is gone":         {named("B", 52, z, x)},
		"from one that has another ID":  {named("A", 53, y), named("B", 52, z, x)},
	} {
		t.Run(what, func(t *testing.T) {
			s := newSegment(t)
			p := s.plugin()
			s.apply(p, named("A", 51, x, y), named("B", 52, z))
			s.becomes(p, "A", sdk.VRRPMaster)
			s.becomes(p, "B", sdk.VRRPMaster)
			removals := s.removals()
			s.apply(p, next...)
			for _, gone := range removals() {
				if gone == x || gone == z {
					t.Errorf("%s was gone", gone)
				}
			}
			if is := s.becomes(p, "B", sdk.VRRPMaster); len(is.Held) != 2 || len(is.Notices) != 0 || is.BecameMaster != 1 {
				t.Errorf("the second is %+v", is)
			}
			if !s.has("eth0", netip.MustParsePrefix(x)) {
				t.Error("the address is not there")
			}
			s.apply(p)
			if s.has("eth0", netip.MustParsePrefix(x)) || s.has("eth0", netip.MustParsePrefix(z)) {
				t.Error("an address is there still when nobody is")
			}
		})
	}
}

func TestNSWhatLeavesKeepsItsAddressesUntilItHasSaidGoodbye(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	if err := p.loop.do(t.Context(), func() (err error) {
		l := p.loop
		leaving := l.instances
		next := &instance{spec: virtualRouter(func(v *sdk.VRRPInstance) { v.VirtualRouterID = 52 })}
		next.set, err = l.kernel.NewSet(next.addresses(), nil)
		l.instances = []*instance{next}
		l.inherit(wire.Now(), leaving)
		l.instances = leaving
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !s.has("eth0", vip) {
		t.Error("its successor has removed what it still holds")
	}
}

func TestNSTwoInstancesSwapTheirIDs(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	const x, y = "10.0.0.100/24", "10.0.0.101/24"
	for n, ids := range [][2]uint8{{51, 52}, {52, 51}, {51, 52}} {
		s.apply(p, named("A", ids[0], x), named("B", ids[1], y))
		s.becomes(p, "A", sdk.VRRPMaster)
		s.becomes(p, "B", sdk.VRRPMaster)
		if !s.has("eth0", netip.MustParsePrefix(x)) || !s.has("eth0", netip.MustParsePrefix(y)) {
			t.Errorf("after swap %d an address is missing", n)
		}
		r := s.router(func(q *advert.Params) {
			q.VRID, q.Addresses = ids[0], []netip.Addr{vip.Addr()}
		})
		s.until("the first hears who speaks with its ID", func() bool {
			r.say(r.packet(0))
			return s.status(p, "A").AdvertsReceived > 0
		})
		if err := p.loop.do(t.Context(), func() error {
			if n := len(p.loop.owners); n != 2 {
				t.Errorf("%d instances are known", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// sdk.VRRP says what may change without a missed advert: all but interface, family, ID and version.
func TestNSWhatAnInstanceSpeaksChangesWithoutAFailOver(t *testing.T) {
	s := newSegment(t)
	two := func(v *sdk.VRRPInstance) { v.Version, v.AdvertInterval, v.Priority = 2, time.Second, 255 } // master at once
	p := s.plugin()
	s.apply(p, virtualRouter(two))
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	removals := s.removals()
	for what, change := range map[string]func(*sdk.VRRPInstance){
		"the source":         func(v *sdk.VRRPInstance) { v.Source = own },
		"the group":          func(v *sdk.VRRPInstance) { v.MulticastGroup = netip.MustParseAddr("224.0.0.99") },
		"the authentication": func(v *sdk.VRRPInstance) { v.Authentication = sdk.VRRPAuthentication{Type: "ah", Password: "secret"} },
		"the peers":          func(v *sdk.VRRPInstance) { v.UnicastPeers = []netip.Addr{peer} },
	} {
		s.apply(p, virtualRouter(two, change))
		sent := s.status(p, "VI_1").AdvertsSent
		s.until("it goes on", func() bool { return s.status(p, "VI_1").AdvertsSent > sent })
		if is := s.status(p, "VI_1"); is.State != sdk.VRRPMaster || is.BecameMaster != 1 || is.SendErrors != 0 {
			t.Errorf("with another value of %s it is %+v", what, is)
		}
	}
	if gone := removals(); len(gone) != 0 {
		t.Errorf("%v was gone", gone)
	}
	// And what it says is heard by those that are told likewise.
	r := s.router(func(q *advert.Params) {
		q.Version, q.Interval, q.Authentication, q.Password = 2, time.Second, advert.AH, "secret"
	})
	s.apply(p, virtualRouter(two, func(v *sdk.VRRPInstance) {
		v.Priority, v.Authentication = 100, sdk.VRRPAuthentication{Type: "ah", Password: "secret"}
	}))
	if a := r.hear(); a.Priority != 100 {
		t.Errorf("it says %+v", a)
	}
	r.say(r.packet(200))
	s.becomes(p, "VI_1", sdk.VRRPBackup)
}

func TestNSAGroupThatLosesAMemberStaysMaster(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	grouped := func(v sdk.VRRPInstance) sdk.VRRPInstance {
		v.SyncGroup = "G"
		return v
	}
	a, b := grouped(named("A", 51, "10.0.0.100/24")), grouped(named("B", 52, "10.0.0.101/24"))
	s.apply(p, a, b)
	s.becomes(p, "B", sdk.VRRPMaster)
	s.apply(p, a)
	if is := s.status(p, "A"); is.State != sdk.VRRPMaster || is.BecameMaster != 1 || !s.has("eth0", vip) {
		t.Errorf("what is left of the group is %+v", is)
	}
	if s.has("eth0", netip.MustParsePrefix("10.0.0.101/24")) {
		t.Error("the member that is gone has its address still")
	}
}

func TestNSAnInstanceThatCannotBeHurtsNoOther(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	bad := named("bad", 52)
	bad.Addresses = []sdk.VirtualAddress{{}}
	s.apply(p, bad, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	if is := s.status(p, "bad"); is.State != sdk.VRRPFault || is.Reason == "" {
		t.Errorf("it is %s: %q", is.State, is.Reason)
	}
	s.apply(p, named("bad", 52, "10.0.0.101/24"), virtualRouter())
	s.becomes(p, "bad", sdk.VRRPMaster)
}
