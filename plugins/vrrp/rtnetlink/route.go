package rtnetlink

import (
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Route is a unicast route, as struct rtmsg and its attributes say it.
type Route struct {
	Destination netip.Prefix
	Gateway     netip.Addr // zero: on the link
	Index       int        // the interface's; 0: the kernel finds it by the gateway
	Source      netip.Addr // preferred source address; zero: the kernel's choice
	Metric      uint32
	Table       uint32 // unix.RT_TABLE_MAIN …
	Scope       uint8  // IPv4; unix.RT_SCOPE_LINK without gateway
	Protocol    uint8  // who made it
	Type        uint8  // as read: unix.RTN_UNICAST …
}

// routeFixed is the length of struct rtmsg: family, lengths of destination and source prefix, TOS, table, protocol, scope,
// type, flags.
const routeFixed = 12

// Add returns the request to add the route. flags are Create or Replace.
func (r Route) Add(flags uint16) Request { return r.request(unix.RTM_NEWROUTE, flags) }

// Delete returns the request to take the route away.
func (r Route) Delete() Request { return r.request(unix.RTM_DELROUTE, Modify) }

func (r Route) request(kind, flags uint16) Request {
	request := newRequest(kind, flags, r.payload())
	if r.Index == 0 {
		return request
	}
	request.index = headerLength + routeFixed + attributeHeader // its attribute is the first
	return request
}

// attributeHeader is the length of struct rtattr.
const attributeHeader = 4

func (r Route) payload() []byte {
	to := r.Destination.Addr()
	fixed := []byte{familyOf(to), uint8(r.Destination.Bits()), 0, 0, 0, r.Protocol, r.Scope, unix.RTN_UNICAST, 0, 0, 0, 0}
	return payload(fixed, func(e *netlink.AttributeEncoder) {
		if r.Index != 0 {
			e.Uint32(unix.RTA_OIF, uint32(r.Index))
		}
		if r.Destination.Bits() > 0 {
			e.Bytes(unix.RTA_DST, to.AsSlice())
		}
		e.Uint32(unix.RTA_TABLE, r.Table)
		if r.Gateway.IsValid() {
			e.Bytes(unix.RTA_GATEWAY, r.Gateway.AsSlice())
		}
		if r.Source.IsValid() {
			e.Bytes(unix.RTA_PREFSRC, r.Source.AsSlice())
		}
		if r.Metric != 0 {
			e.Uint32(unix.RTA_PRIORITY, r.Metric)
		}
	})
}

// ParseRoute reads the payload of RTM_NEWROUTE or RTM_DELROUTE.
func ParseRoute(b []byte) (r Route, err error) {
	var to netip.Addr
	err = attributes(b, routeFixed, func(d *netlink.AttributeDecoder) {
		switch d.Type() {
		case unix.RTA_DST:
			to, _ = netip.AddrFromSlice(d.Bytes())
		case unix.RTA_TABLE:
			r.Table = d.Uint32()
		case unix.RTA_GATEWAY:
			r.Gateway, _ = netip.AddrFromSlice(d.Bytes())
		case unix.RTA_OIF:
			r.Index = int(d.Uint32())
		case unix.RTA_PREFSRC:
			r.Source, _ = netip.AddrFromSlice(d.Bytes())
		case unix.RTA_PRIORITY:
			r.Metric = d.Uint32()
		}
	})
	if err != nil {
		return Route{}, err
	}
	if !to.IsValid() {
		to = netip.IPv4Unspecified()
		if b[0] == unix.AF_INET6 {
			to = netip.IPv6Unspecified()
		}
	}
	r.Destination = netip.PrefixFrom(to, int(b[1]))
	r.Protocol, r.Scope, r.Type = b[5], b[6], b[7]
	return r, nil
}

// Routes returns the routes of a family. protocol and table, unless 0, are those of the routes wanted: the kernel leaves out
// the others, of which a router of the Internet has a million.
func (c *Conn) Routes(family, protocol uint8, table uint32) ([]Route, error) {
	fixed := make([]byte, routeFixed)
	fixed[0], fixed[5] = family, protocol
	question := payload(fixed, func(e *netlink.AttributeEncoder) {
		if table != 0 {
			e.Uint32(unix.RTA_TABLE, table)
		}
	})
	all, err := list(c, unix.RTM_GETROUTE, question, ParseRoute)
	// A kernel before 4.20 leaves out nothing.
	return slices.DeleteFunc(all, func(r Route) bool {
		return protocol != 0 && r.Protocol != protocol || table != 0 && r.Table != table
	}), err
}
