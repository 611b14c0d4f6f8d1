package address

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// Mark is what the kernel keeps with what we made: 112, VRRP's protocol number.
const Mark = rtnetlink.Mark

// An Address is a virtual address.
type Address struct {
	Prefix    netip.Prefix // the address and the length of its prefix
	Interface string
	Label     string     // IPv4, at most 15 bytes; old tools see an interface of this name
	Peer      netip.Addr // the other end of a point-to-point link, if not zero
	Broadcast netip.Addr // IPv4; zero: none
	Scope     uint8      // unix.RT_SCOPE_UNIVERSE, which is 0, RT_SCOPE_SITE, RT_SCOPE_LINK, RT_SCOPE_HOST
	// NoPrefixRoute: no route to the prefix comes with the address.
	NoPrefixRoute bool
	// Metric is that of the prefix's route; 0 is the kernel's choice. On a virtual MAC's interface it should be larger than
	// that of the interface below, which has the same prefix as a rule: see package vmac.
	Metric uint32
	// Preferred makes an IPv6 address one that the machine may use as source of its own packets.
	Preferred bool
}

// String returns "192.0.2.1/24 on eth0".
func (a Address) String() string {
	if a.Peer.IsValid() {
		return fmt.Sprintf("%s peer %s/%d on %s", a.Prefix.Addr(), a.Peer, a.Prefix.Bits(), a.Interface)
	}
	return fmt.Sprintf("%s on %s", a.Prefix, a.Interface)
}

// Check returns why the kernel could not take the address.
func (a Address) Check() error {
	ip := a.Prefix.Addr()
	switch {
	case !a.Prefix.IsValid():
		return errors.New("a virtual address without an address")
	case ip.Is4In6():
		return fmt.Errorf("%s is an IPv4 address in IPv6's clothes: write %s", ip, ip.Unmap())
	case ip.IsUnspecified(), ip.IsMulticast():
		return fmt.Errorf("%s cannot be an interface's address", ip)
	case a.Interface == "" || len(a.Interface) >= unix.IFNAMSIZ:
		return fmt.Errorf("%s: %q is no interface's name", ip, a.Interface)
	case a.Label != "" && ip.Is6():
		return fmt.Errorf("%s: only IPv4 addresses have labels", ip)
	case len(a.Label) >= unix.IFNAMSIZ:
		return fmt.Errorf("%s: label %q is longer than %d bytes", ip, a.Label, unix.IFNAMSIZ-1)
	case a.Broadcast.IsValid() && (ip.Is6() || !a.Broadcast.Is4()):
		return fmt.Errorf("%s: only IPv4 addresses have a broadcast address, and that is one of IPv4", ip)
	case a.Peer.IsValid() && a.Peer.Is4() != ip.Is4():
		return fmt.Errorf("%s and its peer %s are of two families", ip, a.Peer)
	}
	return nil
}

// kernel returns the address as the kernel should have it, but for the interface's index.
func (a Address) kernel() rtnetlink.Address {
	k := rtnetlink.Address{
		Local:     a.Prefix,
		Peer:      a.Peer,
		Broadcast: a.Broadcast,
		Label:     a.Label,
		Scope:     a.Scope,
		Metric:    a.Metric,
		Protocol:  Mark,
	}
	if a.NoPrefixRoute {
		k.Flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if a.Prefix.Addr().Is6() {
		k.Flags |= unix.IFA_F_NODAD
		k.Deprecated = !a.Preferred
	} else if k.Label == "" {
		k.Label = a.Interface // as the kernel would
	}
	return k
}

// A Route is a virtual route: the machine has it while the instance is master.
type Route struct {
	Destination netip.Prefix // 0.0.0.0/0 and ::/0 are the default routes
	Via         netip.Addr   // the gateway; zero: the destination is on the link
	Interface   string       // may be "" when there is a gateway
	Source      netip.Addr   // of packets that the machine sends this way; zero: the kernel's choice
	Metric      uint32       // 0: the kernel's choice
	Table       uint32       // 0: main
}

// String returns "route to 198.51.100.0/24 via 192.0.2.254 on eth0".
func (r Route) String() string {
	s := fmt.Sprintf("route to %s", r.Destination)
	if r.Via.IsValid() {
		s += fmt.Sprintf(" via %s", r.Via)
	}
	if r.Interface != "" {
		s += " on " + r.Interface
	}
	if r.Table != 0 {
		s += fmt.Sprintf(" in table %d", r.Table)
	}
	return s
}

// Check returns why the kernel could not take the route.
func (r Route) Check() error {
	to := r.Destination
	switch {
	case !to.IsValid():
		return errors.New("a virtual route without a destination")
	case to != to.Masked():
		return fmt.Errorf("%s has bits set beyond its prefix: write %s", to, to.Masked())
	case !r.Via.IsValid() && r.Interface == "":
		return fmt.Errorf("the route to %s has neither gateway nor interface", to)
	case len(r.Interface) >= unix.IFNAMSIZ:
		return fmt.Errorf("the route to %s: %q is no interface's name", to, r.Interface)
	case r.Via.IsValid() && r.Via.Is4() != to.Addr().Is4():
		return fmt.Errorf("the route to %s and its gateway %s are of two families", to, r.Via)
	case r.Source.IsValid() && r.Source.Is4() != to.Addr().Is4():
		return fmt.Errorf("the route to %s and its source %s are of two families", to, r.Source)
	}
	return nil
}

// kernel returns the route as the kernel should have it.
func (r Route) kernel(index int) rtnetlink.Route {
	k := rtnetlink.Route{
		Destination: r.Destination,
		Gateway:     r.Via,
		Index:       index,
		Source:      r.Source,
		Metric:      r.Metric,
		Table:       r.Table,
		Protocol:    Mark,
	}
	if k.Table == 0 {
		k.Table = unix.RT_TABLE_MAIN
	}
	switch {
	case r.Destination.Addr().Is6():
		if k.Metric == 0 {
			k.Metric = 1024 // IP6_RT_PRIO_USER, as the kernel would
		}
	case !r.Via.IsValid():
		k.Scope = unix.RT_SCOPE_LINK
	}
	return k
}

// ParseScope reads a scope as ip-address(8) writes it: "", "global", "site", "link", "host", or a number up to 255.
func ParseScope(s string) (uint8, error) {
	switch s {
	case "", "global":
		return unix.RT_SCOPE_UNIVERSE, nil
	case "site":
		return unix.RT_SCOPE_SITE, nil
	case "link":
		return unix.RT_SCOPE_LINK, nil
	case "host":
		return unix.RT_SCOPE_HOST, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is no scope: global, site, link, host or a number up to 255", s)
	}
	return uint8(n), nil
}
