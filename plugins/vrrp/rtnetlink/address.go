package rtnetlink

import (
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// An Address is an address of an interface, as struct ifaddrmsg and its attributes say it.
type Address struct {
	Index     int          // the interface's
	Local     netip.Prefix // the address, and the length of its prefix
	Peer      netip.Addr   // not zero: the other end of a point-to-point link, which the prefix is then of
	Broadcast netip.Addr   // IPv4; zero: none
	Label     string       // IPv4
	Scope     uint8        // unix.RT_SCOPE_UNIVERSE …
	Flags     uint32       // unix.IFA_F_NODAD …
	Metric    uint32       // of the prefix's route; 0: the kernel's choice
	Protocol  uint8        // who made it: IFA_PROTO; 0 before Linux 5.18
	// Deprecated says that its preferred lifetime is over: the machine does not begin a conversation with it.
	Deprecated bool
}

const (
	addressFixed = 8    // struct ifaddrmsg: family, prefix length, flags, scope, index
	ifaProto     = 0x0b // IFA_PROTO, linux/if_addr.h
	forever      = 1<<32 - 1
)

// Add returns the request to add the address, or to change it. flags are Create or Replace.
func (a Address) Add(flags uint16) Request {
	return a.request(unix.RTM_NEWADDR, flags, true)
}

// Delete returns the request to take the address away.
func (a Address) Delete() Request { return a.request(unix.RTM_DELADDR, Modify, false) }

func (a Address) request(kind, flags uint16, whole bool) Request {
	r := newRequest(kind, flags, a.payload(whole))
	r.index = headerLength + 4
	return r
}

func (a Address) payload(whole bool) []byte {
	fixed := []byte{familyOf(a.Local.Addr()), uint8(a.Local.Bits()), uint8(a.Flags), a.Scope, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(fixed[4:], uint32(a.Index))
	return payload(fixed, func(e *netlink.AttributeEncoder) {
		local := a.Local.Addr().AsSlice()
		e.Bytes(unix.IFA_LOCAL, local)
		if a.Peer.IsValid() {
			e.Bytes(unix.IFA_ADDRESS, a.Peer.AsSlice())
		} else {
			e.Bytes(unix.IFA_ADDRESS, local)
		}
		if !whole {
			return
		}
		if a.Broadcast.IsValid() {
			e.Bytes(unix.IFA_BROADCAST, a.Broadcast.AsSlice())
		}
		if a.Label != "" {
			e.String(unix.IFA_LABEL, a.Label)
		}
		e.Uint32(unix.IFA_FLAGS, a.Flags)
		if a.Metric != 0 {
			e.Uint32(unix.IFA_RT_PRIORITY, a.Metric)
		}
		e.Uint8(ifaProto, a.Protocol)
		// struct ifa_cacheinfo: preferred and valid lifetime in seconds, two times of the kernel's own.
		cache := make([]byte, 16)
		if !a.Deprecated {
			binary.NativeEndian.PutUint32(cache, forever)
		}
		binary.NativeEndian.PutUint32(cache[4:], forever)
		e.Bytes(unix.IFA_CACHEINFO, cache)
	})
}

// ParseAddress reads the payload of RTM_NEWADDR or RTM_DELADDR.
func ParseAddress(b []byte) (a Address, err error) {
	var local, address netip.Addr
	err = attributes(b, addressFixed, func(d *netlink.AttributeDecoder) {
		switch d.Type() {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(d.Bytes())
		case unix.IFA_ADDRESS:
			address, _ = netip.AddrFromSlice(d.Bytes())
		case unix.IFA_BROADCAST:
			a.Broadcast, _ = netip.AddrFromSlice(d.Bytes())
		case unix.IFA_LABEL:
			a.Label = d.String()
		case unix.IFA_FLAGS:
			a.Flags = d.Uint32()
		case unix.IFA_RT_PRIORITY:
			a.Metric = d.Uint32()
		case ifaProto:
			a.Protocol = d.Uint8()
		}
	})
	if err != nil {
		return Address{}, err
	}
	if !local.IsValid() {
		local = address // IPv6 has IFA_LOCAL only where there is a peer
	} else if address != local {
		a.Peer = address
	}
	a.Local = netip.PrefixFrom(local, int(b[1]))
	a.Scope = b[3]
	a.Index = int(binary.NativeEndian.Uint32(b[4:]))
	a.Deprecated = a.Flags&unix.IFA_F_DEPRECATED != 0
	return a, nil
}

// Addresses returns all addresses of a family (unix.AF_INET, AF_INET6, or AF_UNSPEC for both), in the kernel's order: an
// interface's primary addresses come before its secondary ones.
func (c *Conn) Addresses(family uint8) ([]Address, error) {
	return list(c, unix.RTM_GETADDR, append([]byte{family}, make([]byte, addressFixed-1)...), ParseAddress)
}

// list dumps objects of a kind.
func list[T any](c *Conn, kind uint16, payload []byte, parse func([]byte) (T, error)) (all []T, err error) {
	var bad error
	err = c.Dump(kind, payload, func() { all, bad = nil, nil }, func(m Message) {
		one, err := parse(m.Payload)
		if err != nil {
			bad = err
			return
		}
		all = append(all, one)
	})
	if err != nil {
		return nil, err
	}
	return all, bad
}

func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// Mark is the protocol that is written into what a virtual router makes, addresses and routes: 112, VRRP's number among the
// protocols of IP.
const Mark = 112
