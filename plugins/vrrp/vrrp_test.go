package vrrp

import (
	"context"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// patience bounds every wait.
const patience = 10 * time.Second

var (
	own   = netip.MustParseAddr("10.0.0.1")
	peer  = netip.MustParseAddr("10.0.0.2")
	vip   = netip.MustParsePrefix("10.0.0.100/24")
	group = advert.Group(false)
)

// A segment is a network of two: the plugin at one end, a test that speaks VRRP by hand at the other.
type segment struct {
	t     *testing.T
	here  *netspace.Space
	there *netspace.Space
	keep  string
}

func newSegment(t *testing.T) *segment {
	t.Helper()
	s := &segment{t: t, here: netspace.New(t), there: netspace.New(t), keep: t.TempDir()}
	s.join()
	return s
}

// join puts the cable in.
func (s *segment) join() {
	s.t.Helper()
	netspace.Join(s.here, "eth0", []string{"10.0.0.1/24", "fe80::1/64"}, s.there, "eth0", []string{"10.0.0.2/24", "fe80::2/64"})
	s.until("the cable is in", func() (up bool) {
		s.here.Do(func() error {
			l, err := netlink.LinkByName("eth0")
			up = err == nil && l.Attrs().OperState == netlink.OperUp
			return err
		})
		return up
	})
}

// plugin starts the plugin at its end. It is stopped with the test.
func (s *segment) plugin() *plugin {
	s.t.Helper()
	log := hclog.New(&hclog.LoggerOptions{Output: logWriter{s.t}, Level: hclog.Debug})
	l, err := start(log, s.keep, func() error {
		runtime.LockOSThread()
		return s.here.Enter()
	})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &plugin{l}
	s.t.Cleanup(func() { p.Stop(context.Background(), true) })
	return p
}

type logWriter struct{ t *testing.T }

func (w logWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

// instance is a virtual router as the tests have it, with changes.
func virtualRouter(change ...func(*sdk.VRRPInstance)) sdk.VRRPInstance {
	v := sdk.VRRPInstance{
		Name: "VI_1", Interface: "eth0", VirtualRouterID: 51, Version: 3, Priority: 100, AdvertInterval: 20 * time.Millisecond,
		Preempt: true, Addresses: []sdk.VirtualAddress{{Prefix: vip}},
		Announcements: sdk.Announcements{Repeat: 1, RefreshRepeat: 1, LowerPriorityRepeat: 1},
	}
	for _, c := range change {
		c(&v)
	}
	return v
}

func (s *segment) apply(p *plugin, v ...sdk.VRRPInstance) {
	s.t.Helper()
	if err := p.Apply(s.t.Context(), v); err != nil {
		s.t.Fatal(err)
	}
}

// status returns that of an instance.
func (s *segment) status(p *plugin, name string) sdk.VRRPInstanceStatus {
	s.t.Helper()
	st, err := p.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	i := slices.IndexFunc(st.Instances, func(i sdk.VRRPInstanceStatus) bool { return i.Name == name })
	if i < 0 {
		s.t.Fatalf("there is no instance %s in %+v", name, st)
	}
	return st.Instances[i]
}

// until waits until something is so.
func (s *segment) until(what string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// becomes waits until an instance is in a state.
func (s *segment) becomes(p *plugin, name string, want sdk.VRRPState) sdk.VRRPInstanceStatus {
	s.t.Helper()
	var is sdk.VRRPInstanceStatus
	s.until(name+" is "+string(want), func() bool {
		is = s.status(p, name)
		return is.State == want
	})
	return is
}

// has says whether the plugin's end has an address on an interface.
func (s *segment) has(device string, a netip.Prefix) (has bool) {
	s.t.Helper()
	s.here.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err != nil {
			return nil // then it has not
		}
		list, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		has = slices.ContainsFunc(list, func(x netlink.Addr) bool { return x.IPNet.String() == a.String() })
		return err
	})
	return has
}

// A router is the test's end: what it speaks, and a socket to hear and speak by.
type router struct {
	s      *segment
	socket *wire.Socket
	format *advert.Format
	params advert.Params
}

// router returns one with its own parameters: those of virtualRouter unless changed.
func (s *segment) router(change ...func(*advert.Params)) *router {
	s.t.Helper()
	r := &router{s: s, params: advert.Params{
		Version: 3, VRID: 51, Source: peer, Interval: 20 * time.Millisecond, Addresses: []netip.Addr{vip.Addr()},
	}}
	for _, c := range change {
		c(&r.params)
	}
	var err error
	if r.format, err = advert.New(r.params); err != nil {
		s.t.Fatal(err)
	}
	s.there.Do(func() (err error) {
		at := group
		if len(r.params.Peers) > 0 {
			at = r.params.Source
		}
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		if r.socket, err = wire.Open(wire.Key{Index: l.Attrs().Index, Address: at, AH: r.params.Authentication == advert.AH}); err != nil {
			return err
		}
		var all wire.VRIDs
		for n := range all {
			all[n] = true
		}
		return r.socket.Admit(all)
	})
	s.t.Cleanup(func() { r.socket.Close() })
	return r
}

// packet is an advert that the plugin accepts.
func (r *router) packet(priority uint8) []byte {
	to := group
	if len(r.params.Peers) > 0 {
		to = r.params.Peers[0].Address
	}
	return r.format.Append(nil, priority, to)
}

// say sends a packet.
func (r *router) say(packet []byte) {
	r.s.t.Helper()
	to := group
	if len(r.params.Peers) > 0 {
		to = r.params.Peers[0].Address
	}
	if err := r.socket.Send(packet, advert.Meta{Source: r.params.Source, Destination: to, TTL: 255}); err != nil {
		r.s.t.Fatal(err)
	}
}

// hear returns the next advert of the plugin.
func (r *router) hear() (a advert.Advert) {
	r.s.t.Helper()
	r.s.until("an advert is heard", func() bool {
		packets, err := r.socket.Receive()
		if err != nil {
			r.s.t.Fatal(err)
		}
		for _, p := range packets {
			is, reason := r.format.Parse(p.Data, p.Meta)
			if reason != advert.Accepted {
				r.s.t.Fatalf("the plugin says what is not accepted: %s", reason.Sentence())
			}
			a = is
		}
		return len(packets) > 0
	})
	return a
}

// drain forgets what has been said so far.
func (r *router) drain() {
	for {
		if packets, err := r.socket.Receive(); err != nil || len(packets) == 0 {
			return
		}
	}
}
