package rtnetlink

import (
	"encoding/binary"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A HardwareAddress is an Ethernet address. The zero value is that of an interface that has none.
type HardwareAddress [6]byte

// A Link is an interface, as struct ifinfomsg and its attributes say it.
type Link struct {
	Index    int
	Name     string
	Flags    uint32 // unix.IFF_UP …
	MTU      int
	Hardware HardwareAddress
	Operable uint8 // IFLA_OPERSTATE, RFC 2863: 6 is up, 0 is unknown to the driver
	Alias    string
	Kind     string // "veth", "macvlan"; of a physical one ""
	Parent   int    // what a macvlan or VLAN is over: an index
	Mode     uint32 // of a macvlan
}

const (
	linkFixed = 16 // struct ifinfomsg: family, padding, type, index, flags, mask of flags
	// MacvlanPrivate is the mode in which macvlans over one interface do not hear each other (linux/if_link.h).
	MacvlanPrivate = 1
)

// ParseLink reads the payload of RTM_NEWLINK or RTM_DELLINK.
func ParseLink(b []byte) (l Link, err error) {
	err = attributes(b, linkFixed, func(d *netlink.AttributeDecoder) {
		switch d.Type() {
		case unix.IFLA_IFNAME:
			l.Name = d.String()
		case unix.IFLA_MTU:
			l.MTU = int(d.Uint32())
		case unix.IFLA_ADDRESS:
			if len(d.Bytes()) == len(l.Hardware) {
				l.Hardware = HardwareAddress(d.Bytes())
			}
		case unix.IFLA_OPERSTATE:
			l.Operable = d.Uint8()
		case unix.IFLA_IFALIAS:
			l.Alias = d.String()
		case unix.IFLA_LINK:
			l.Parent = int(d.Uint32())
		case unix.IFLA_LINKINFO:
			d.Nested(l.information)
		}
	})
	if err != nil {
		return Link{}, err
	}
	l.Index = int(binary.NativeEndian.Uint32(b[4:]))
	l.Flags = binary.NativeEndian.Uint32(b[8:])
	return l, nil
}

func (l *Link) information(d *netlink.AttributeDecoder) error {
	for d.Next() {
		switch d.Type() {
		case unix.IFLA_INFO_KIND:
			l.Kind = d.String()
		case unix.IFLA_INFO_DATA:
			if l.Kind != "macvlan" {
				continue
			}
			d.Nested(func(d *netlink.AttributeDecoder) error {
				for d.Next() {
					if d.Type() == unix.IFLA_MACVLAN_MODE {
						l.Mode = d.Uint32()
					}
				}
				return nil
			})
		}
	}
	return nil
}

// Links returns all interfaces.
func (c *Conn) Links() ([]Link, error) {
	return list(c, unix.RTM_GETLINK, linkHeader(0, 0), ParseLink)
}

func linkHeader(index int, flags uint32) []byte {
	b := make([]byte, linkFixed)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], flags)
	return b
}

// AddMacvlan returns the request to create a macvlan over the interface with the index l.Parent, of l's name, hardware
// address, alias and mode. It is down.
func AddMacvlan(l Link) Request {
	return newRequest(unix.RTM_NEWLINK, Create, payload(linkHeader(0, 0), func(e *netlink.AttributeEncoder) {
		e.String(unix.IFLA_IFNAME, l.Name)
		e.Uint32(unix.IFLA_LINK, uint32(l.Parent))
		e.Bytes(unix.IFLA_ADDRESS, l.Hardware[:])
		e.Nested(unix.IFLA_LINKINFO, func(e *netlink.AttributeEncoder) error {
			e.String(unix.IFLA_INFO_KIND, "macvlan")
			e.Nested(unix.IFLA_INFO_DATA, func(e *netlink.AttributeEncoder) error {
				e.Uint32(unix.IFLA_MACVLAN_MODE, l.Mode)
				return nil
			})
			return nil
		})
	}))
}

// DeleteLink returns the request to delete an interface.
func DeleteLink(index int) Request {
	return newRequest(unix.RTM_DELLINK, Modify, payload(linkHeader(index, 0), nil))
}

// SetAlias returns the request to write an interface's alias, a text for people.
func SetAlias(name, alias string) Request {
	return newRequest(unix.RTM_SETLINK, Modify, payload(linkHeader(0, 0), func(e *netlink.AttributeEncoder) {
		e.String(unix.IFLA_IFNAME, name)
		e.String(unix.IFLA_IFALIAS, alias)
	}))
}

// SetUp returns the request to set an interface up.
func SetUp(name string) Request {
	return newRequest(unix.RTM_SETLINK, Modify, payload(linkHeader(0, unix.IFF_UP), func(e *netlink.AttributeEncoder) {
		e.String(unix.IFLA_IFNAME, name)
	}))
}
