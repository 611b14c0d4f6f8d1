package wire

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// link changes the router's interface.
func (r router) link(t *testing.T, change func(netlink.Link) error) {
	t.Helper()
	r.space.Do(func() error {
		l, err := netlink.LinkByIndex(r.index)
		if err != nil {
			return err
		}
		return change(l)
	})
}

func TestNSAnInterfaceGoesDownAndComesUp(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	for _, ipv6 := range []bool{false, true} {
		group := advert.Group(ipv6)
		sa, sb := a.open(t, Key{Address: group}, 51), b.open(t, Key{Address: group}, 51)
		sender, receiver := format(t, 51, a.address(ipv6), nil), format(t, 51, b.address(ipv6), nil)
		send := func() error {
			return sa.Send(sender.Append(nil, 120, group), advert.Meta{Source: a.address(ipv6), Destination: group, TTL: 255})
		}
		a.link(t, netlink.LinkSetDown)
		err := send()
		t.Logf("IPv6 %v: down: %v", ipv6, err)
		if !slices.Contains([]error{unix.ENETDOWN, unix.ENETUNREACH, unix.EINVAL, unix.EADDRNOTAVAIL}, err) {
			t.Errorf("on an interface that is down: %v", err)
		}
		for range 3 { // it may be said once
			if _, err := sa.Receive(); err != nil && !errors.Is(err, unix.ENETDOWN) {
				t.Errorf("receiving on an interface that is down: %v", err)
			}
		}
		a.link(t, netlink.LinkSetUp)
		for i := 0; send() != nil; i++ { // an IPv6 address is there again when the kernel has looked for others
			if i == 100 {
				t.Fatalf("after it is up again: %v", send())
			}
			time.Sleep(20 * time.Millisecond)
		}
		hear(t, sb, 1, time.Second)
		exchange(t, sa, sb, sender, receiver, group)
		exchange(t, sb, sa, format(t, 51, b.address(ipv6), nil), format(t, 51, a.address(ipv6), nil), group)
	}
}

func TestNSAnInterfaceThatIsGoneIsAnErrorAndItsSuccessorHasAnotherKey(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		a, _ := pair(t, "192.0.2.1/24", "192.0.2.2/24")
		group := advert.Group(ipv6)
		s := a.open(t, Key{Address: group}, 51)
		a.link(t, netlink.LinkDel)
		f := format(t, 51, a.address(ipv6), nil)
		err := s.Send(f.Append(nil, 100, group), advert.Meta{Source: a.address(ipv6), Destination: group, TTL: 255})
		t.Logf("IPv6 %v: gone: %v", ipv6, err)
		if !slices.Contains([]error{unix.ENODEV, unix.ENXIO}, err) {
			t.Errorf("on an interface that is gone: %v", err)
		}
		if err := a.space.Try(func() error { _, err := Open(s.Key()); return err }); !errors.Is(err, unix.ENODEV) {
			t.Errorf("opened on an interface that is gone: %v", err)
		}
	}
}

func TestNSAdvertsGoThroughAMacvlan(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	virtual := a
	a.space.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.ParentIndex = "vrrp.51", a.index
		attrs.HardwareAddr = []byte{0, 0, 0x5e, 0, 1, 51}
		m := &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PRIVATE}
		if err := netlink.LinkAdd(m); err != nil {
			return err
		}
		virtual.index = m.Attrs().Index
		return netlink.LinkSetUp(m)
	})
	group := advert.Group(false)
	from, to := virtual.open(t, Key{Address: group}, 51), b.open(t, Key{Address: group}, 51)
	exchange(t, from, to, format(t, 51, a.v4, nil), format(t, 51, b.v4, nil), group)
	// What the peer sends is heard on the interface below, as on the macvlan itself.
	exchange(t, to, a.open(t, Key{Address: group}, 51), format(t, 51, b.v4, nil), format(t, 51, a.v4, nil), group)
}

func TestNSAWrongKeyIsRefused(t *testing.T) {
	a, _ := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	for what, k := range map[string]Key{
		"no address":                     {Index: a.index},
		"a group on no interface":        {Address: advert.Group(false)},
		"AH over IPv6":                   {Index: a.index, Address: advert.Group(true), AH: true},
		"an address with a zone":         {Index: a.index, Address: a.v6.WithZone("e0")},
		"an interface that is not there": {Index: 9999, Address: advert.Group(false)},
		"an address that is not ours":    {Index: a.index, Address: netip.MustParseAddr("192.0.2.77")},
	} {
		if err := a.space.Try(func() error { _, err := Open(k); return err }); err == nil {
			t.Errorf("%s: a socket is open", what)
		}
	}
}

func TestNSNothingIsAllocatedForAPacket(t *testing.T) {
	a, b := pair(t, "192.0.2.1/24", "192.0.2.2/24")
	for _, ipv6 := range []bool{false, true} {
		group := advert.Group(ipv6)
		from, to := a.open(t, Key{Address: group}, 51), b.open(t, Key{Address: group}, 51)
		sender, receiver := format(t, 51, a.address(ipv6), nil), format(t, 51, b.address(ipv6), nil)
		meta := advert.Meta{Source: a.address(ipv6), Destination: group, TTL: 255}
		buf, heard := make([]byte, 0, sender.Size()), 0
		if n := testing.AllocsPerRun(200, func() {
			buf = sender.Append(buf[:0], 120, group)
			if err := from.Send(buf, meta); err != nil {
				t.Error(err)
			}
			for {
				packets, err := to.Receive()
				if err != nil {
					t.Error(err)
				}
				if len(packets) == 0 {
					break
				}
				for _, p := range packets {
					if _, reason := receiver.Parse(p.Data, p.Meta); reason == advert.Accepted {
						heard++
					}
				}
			}
		}); n != 0 {
			t.Errorf("IPv6 %v: %v allocations for an advert sent and received", ipv6, n)
		}
		if heard < 190 {
			t.Errorf("IPv6 %v: of 201 adverts %d were heard at once", ipv6, heard)
		}
	}
}
