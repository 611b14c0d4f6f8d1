package network

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// A route is one in the main table.
type route struct {
	Interface   string
	Destination netip.Prefix
	Via         netip.Addr
	Metric      int
}

func (r route) String() string {
	s := "route " + r.Destination.String()
	if r.Via.IsValid() {
		s += " via " + r.Via.String()
	}
	if r.Metric != 0 {
		s += fmt.Sprintf(" metric %d", r.Metric)
	}
	return s
}

var (
	everything4 = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	everything6 = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
)

// dhcpMetric is that of routes that a DHCP server has told: what is written in the configuration goes first.
const dhcpMetric = 1024

// ip6Metric is what the kernel gives an IPv6 route without one (include/uapi/linux/ipv6_route.h, IP6_RT_PRIO_USER).
const ip6Metric = 1024

// wantedRoutes are the routes of one interface.
func wantedRoutes(i config.ApplianceInterface, lease Lease) []route {
	var rs []route
	add := func(to netip.Prefix, via netip.Addr, metric int) {
		if metric == 0 && to.Addr().Is6() {
			metric = ip6Metric
		}
		r := route{i.Name, to, via, metric}
		if !slices.Contains(rs, r) {
			rs = append(rs, r)
		}
	}
	if i.Gateway.Is4() {
		add(everything4, i.Gateway, 0)
	} else if i.Gateway.Is6() {
		add(everything6, i.Gateway, 0)
	}
	for _, r := range i.Routes {
		add(r.Destination, r.Via, int(r.Metric))
	}
	if i.DHCP && lease.Address.IsValid() {
		for _, r := range lease.Routes {
			add(r.Destination, r.Via, dhcpMetric)
		}
	}
	return rs
}

// routes gives the main table its routes. Routes without a router go first: others need them to be reachable.
func (a *applier) routes() {
	var want []route
	held := map[string]bool{}
	indices := map[string]int{}
	for _, i := range a.ap.Interfaces {
		l := a.link(i.Name)
		if l == nil || a.isMember(i.Name) || i.MAC != "" && hardwareAddress(l) != i.MAC {
			continue
		}
		indices[i.Name] = l.Attrs().Index
		lease, ok := a.leases[i.Name]
		held[i.Name] = i.DHCP && !ok
		want = append(want, wantedRoutes(i, lease)...)
	}
	slices.SortStableFunc(want, func(x, y route) int {
		return map[bool]int{true: 1}[x.Via.IsValid()] - map[bool]int{true: 1}[y.Via.IsValid()]
	})
	have, err := a.h.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		a.problem("", "listing the routes: %v", err)
		return
	}
	var there []route
	var surplus []netlink.Route
	for _, k := range have {
		r, ours, ok := a.known(k, indices)
		switch {
		case !ok:
		case slices.Contains(want, r):
			there = append(there, r)
		case held[r.Interface] && r.Destination.Addr().Is4():
		case ours || r.Interface != "":
			surplus = append(surplus, k)
		}
	}
	for _, r := range want {
		if !slices.Contains(there, r) {
			k := netlink.Route{LinkIndex: indices[r.Interface], Dst: ipNet(r.Destination), Priority: r.Metric, Protocol: mark, Gw: r.Via.AsSlice()}
			if !r.Via.IsValid() {
				k.Scope = netlink.SCOPE_LINK
			}
			if r.Via.IsValid() && r.Via.Is4() && a.onLink(r) {
				k.Flags = int(netlink.FLAG_ONLINK)
			}
			a.did(r.Interface, r.String(), a.h.RouteReplace(&k))
		}
	}
	for _, k := range surplus {
		r, _, _ := a.known(k, indices)
		if slices.ContainsFunc(want, func(w route) bool { return w.Destination == r.Destination && w.Metric == r.Metric }) {
			continue // was replaced
		}
		a.did(cmpName(r.Interface), "remove "+r.String(), a.h.RouteDel(&k))
	}
}

func cmpName(s string) string {
	if s == "" {
		return "former interface"
	}
	return s
}

// onLink says whether a router is in no network of its interface, as RFC 3442 lets a DHCP server have it: a host with a
// prefix of 32 bits and a router beside it.
func (a *applier) onLink(r route) bool {
	lease := a.leases[r.Interface]
	return lease.Address.IsValid() && lease.Address.Bits() == 32
}

// known reads a route of the kernel's. ok is false for one that is another's: the kernel's, a routing daemon's, VRRP's.
// Interface is "" if the configuration is not about it.
func (a *applier) known(k netlink.Route, indices map[string]int) (r route, ours, ok bool) {
	ours = k.Protocol == mark
	adopted := slices.Contains([]netlink.RouteProtocol{unix.RTPROT_BOOT, unix.RTPROT_STATIC, unix.RTPROT_DHCP}, k.Protocol)
	if !ours && !adopted || k.Type != unix.RTN_UNICAST || len(k.MultiPath) > 0 {
		return r, ours, false
	}
	for name, index := range indices {
		if index == k.LinkIndex {
			r.Interface = name
		}
	}
	if r.Interface == "" && !ours {
		return r, ours, false
	}
	r.Metric = k.Priority
	r.Via = fromIP(k.Gw)
	r.Destination = everything4
	if k.Family == netlink.FAMILY_V6 {
		r.Destination = everything6
	}
	if k.Dst != nil {
		bits, _ := k.Dst.Mask.Size()
		r.Destination = netip.PrefixFrom(fromIP(k.Dst.IP), bits)
	}
	return r, ours, true
}

func fromIP(ip net.IP) netip.Addr {
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}
