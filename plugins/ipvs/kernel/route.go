package kernel

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Interface returns the name of the interface by which packets leave for an address, as the routing table has it now.
func Interface(to netip.Addr) (string, error) {
	to = to.Unmap()
	family := byte(unix.AF_INET)
	if to.Is6() {
		family = unix.AF_INET6
	}
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return "", fmt.Errorf("open route netlink: %w", err)
	}
	defer c.Close()
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: unix.RTA_DST, Data: to.AsSlice()}})
	if err != nil {
		return "", fmt.Errorf("look for the route to %s: %w", to, err)
	}
	header := make([]byte, unix.SizeofRtMsg) // struct rtmsg of rtnetlink(7)
	header[0], header[1] = family, byte(to.BitLen())
	answers, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETROUTE, Flags: netlink.Request},
		Data:   append(header, attributes...),
	})
	if err != nil {
		return "", fmt.Errorf("look for the route to %s: %w", to, err)
	}
	for _, m := range answers {
		if len(m.Data) < unix.SizeofRtMsg {
			continue
		}
		d, err := netlink.NewAttributeDecoder(m.Data[unix.SizeofRtMsg:])
		if err != nil {
			return "", fmt.Errorf("read the route to %s: %w", to, err)
		}
		for d.Next() {
			if d.Type() != unix.RTA_OIF {
				continue
			}
			i, err := net.InterfaceByIndex(int(d.Uint32()))
			if err != nil {
				return "", fmt.Errorf("read the route to %s: %w", to, err)
			}
			return i.Name, nil
		}
	}
	return "", fmt.Errorf("the route to %s has no interface", to)
}
