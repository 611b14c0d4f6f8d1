package rtnetlink

import (
	"encoding/binary"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Setting is one of an interface's for IPv4: net.ipv4.conf.INTERFACE.*, by its number in linux/ip.h. Through netlink it
// is set without a file system that may be read-only or hidden.
type Setting uint16

// The settings that a virtual router changes.
const (
	RPFilter           Setting = 8
	ARPFilter          Setting = 13
	ARPAnnounce        Setting = 18
	ARPIgnore          Setting = 19
	PromoteSecondaries Setting = 20
	AcceptLocal        Setting = 23
)

// A Value is what a setting is to be.
type Value struct {
	Setting Setting
	Value   uint32
}

// Set returns the request to change settings of an interface.
func Set(name string, values ...Value) Request {
	return set(linkHeader(0, 0), name, values)
}

// SetOf is Set for an interface whose index is said by Request.SetIndex.
func SetOf(values ...Value) Request {
	r := set(linkHeader(0, 0), "", values)
	r.index = headerLength + 4
	return r
}

func set(header []byte, name string, values []Value) Request {
	return newRequest(unix.RTM_SETLINK, Modify, payload(header, func(e *netlink.AttributeEncoder) {
		if name != "" {
			e.String(unix.IFLA_IFNAME, name)
		}
		family(e, unix.AF_INET, func(e *netlink.AttributeEncoder) error {
			e.Nested(unix.IFLA_INET_CONF, func(e *netlink.AttributeEncoder) error {
				for _, v := range values {
					e.Uint32(uint16(v.Setting), v.Value)
				}
				return nil
			})
			return nil
		})
	}))
}

// family writes settings of one family, which are nested in IFLA_AF_SPEC.
func family(e *netlink.AttributeEncoder, family uint16, f func(*netlink.AttributeEncoder) error) {
	e.Nested(unix.IFLA_AF_SPEC, func(e *netlink.AttributeEncoder) error {
		e.Nested(family, f)
		return nil
	})
}

// WithoutLinkLocal returns the request that an interface makes no IPv6 address of its own from its hardware address
// (addr_gen_mode none): two routers with the same virtual MAC would make the same.
func WithoutLinkLocal(name string) Request {
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	return newRequest(unix.RTM_SETLINK, Modify, payload(linkHeader(0, 0), func(e *netlink.AttributeEncoder) {
		e.String(unix.IFLA_IFNAME, name)
		family(e, unix.AF_INET6, func(e *netlink.AttributeEncoder) error {
			e.Uint8(unix.IFLA_INET6_ADDR_GEN_MODE, none)
			return nil
		})
	}))
}

// Everywhere is the index that stands for all interfaces: net.ipv4.conf.all.
const Everywhere = -1

// A Configuration is what the kernel tells of an interface's settings without /proc.
type Configuration struct {
	Forwarding bool
	RPFilter   uint32 // IPv4
}

// Configuration reads an interface's settings for a family, or those of Everywhere.
func (c *Conn) Configuration(family uint8, index int) (Configuration, error) {
	const netconfaIndex, netconfaForwarding, netconfaRPFilter = 1, 2, 3 // linux/netconf.h
	fixed := []byte{family}                                             // struct netconfmsg
	fixed = append(fixed, 0, 0, 0)
	question := payload(fixed, func(e *netlink.AttributeEncoder) { e.Int32(netconfaIndex, int32(index)) })
	b, err := c.Get(unix.RTM_GETNETCONF, question)
	if err != nil {
		return Configuration{}, err
	}
	var read Configuration
	err = attributes(b, len(fixed), func(d *netlink.AttributeDecoder) {
		switch d.Type() {
		case netconfaForwarding:
			read.Forwarding = binary.NativeEndian.Uint32(d.Bytes()) != 0
		case netconfaRPFilter:
			read.RPFilter = d.Uint32()
		}
	})
	return read, err
}
