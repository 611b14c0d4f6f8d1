package network

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// ifaProto is IFA_PROTO (include/uapi/linux/if_addr.h), who has made an address; 8 bits.
const ifaProto = 11

// An address is one that the kernel holds.
type address struct {
	Prefix   netip.Prefix // the address itself, with its network's length
	Index    int          // of the interface
	Protocol uint8        // whose it is; 0: nobody has said
	dynamic  bool         // made by the kernel for as long as a router says (IPv6)
}

// observed are the addresses of every interface. Package netlink does not tell who has made one, so it is asked here.
func observed() ([]address, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfAddrmsg(unix.AF_UNSPEC))
	msgs, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWADDR)
	if err != nil {
		return nil, fmt.Errorf("listing the addresses: %w", err)
	}
	var as []address
	for _, m := range msgs {
		h := nl.DeserializeIfAddrmsg(m)
		attrs, err := nl.ParseRouteAttr(m[h.Len():])
		if err != nil {
			return nil, fmt.Errorf("listing the addresses: %w", err)
		}
		a := address{Index: int(h.Index)}
		flags := uint32(h.IfAddrmsg.Flags)
		var local netip.Addr
		for _, at := range attrs {
			switch at.Attr.Type {
			case unix.IFA_ADDRESS:
				if !local.IsValid() { // of a point-to-point link it is the other end, and IFA_LOCAL is ours
					local, _ = netip.AddrFromSlice(at.Value)
				}
			case unix.IFA_LOCAL:
				local, _ = netip.AddrFromSlice(at.Value)
			case unix.IFA_FLAGS:
				flags = nl.NativeEndian().Uint32(at.Value)
			case ifaProto:
				a.Protocol = at.Value[0]
			}
		}
		a.dynamic = flags&unix.IFA_F_PERMANENT == 0
		a.Prefix = netip.PrefixFrom(local, int(h.Prefixlen))
		as = append(as, a)
	}
	return as, nil
}

// An assignment is an address that an interface should have.
type assignment struct {
	Interface string
	Prefix    netip.Prefix
}

// A difference is what to do to the addresses, in this order.
type difference struct {
	add    []assignment
	remove []address
}

// compare says what is to be done. names are the interfaces that the configuration is about, by index; held are those among
// them whose addresses stay as they are as long as nothing is known about them. marks says whether the kernel keeps marks: in
// one that does not, an address without a mark may be a virtual one, and stays.
func compare(want []assignment, have []address, names map[int]string, held map[string]bool, marks bool) difference {
	var d difference
	for _, w := range want {
		there := slices.ContainsFunc(have, func(h address) bool { return names[h.Index] == w.Interface && h.Prefix == w.Prefix })
		if !there {
			d.add = append(d.add, w)
		}
	}
	for _, h := range have {
		name, managed := names[h.Index]
		ours := h.Protocol == mark
		unowned := managed && marks && h.Protocol == 0 && !h.dynamic && !h.Prefix.Addr().IsLinkLocalUnicast() && !h.Prefix.Addr().IsLoopback()
		if !ours && !unowned || held[name] && h.Prefix.Addr().Is4() {
			continue
		}
		if !slices.Contains(want, assignment{name, h.Prefix}) {
			d.remove = append(d.remove, h)
		}
	}
	return d
}

// addresses gives the interfaces their addresses: what is missing is added before what is too much goes, so that a box that
// is reached by one of them stays reachable.
func (a *applier) addresses() {
	links, err := a.h.LinkList()
	if err != nil {
		a.problem("", "listing the interfaces: %v", err)
		return
	}
	have, err := observed()
	if err != nil {
		a.problem("", "%v", err)
		return
	}
	names, all, named := map[int]string{}, map[int]netlink.Link{}, map[string]netlink.Link{}
	held := map[string]bool{}
	marks := false
	for _, h := range have {
		marks = marks || h.Protocol != 0 // of 127.0.0.1, if of nothing else
	}
	var want []assignment
	for _, l := range links {
		name := l.Attrs().Name
		all[l.Attrs().Index], named[name] = l, l
		n := slices.IndexFunc(a.ap.Interfaces, func(i config.ApplianceInterface) bool { return i.Name == name })
		if n < 0 || a.isMember(name) {
			continue
		}
		i := a.ap.Interfaces[n]
		if i.MAC != "" && hardwareAddress(l) != i.MAC {
			continue // another card has its name
		}
		names[l.Attrs().Index] = name
		for _, p := range i.Addresses {
			want = append(want, assignment{name, p})
		}
		if i.DHCP {
			lease, ok := a.leases[name]
			held[name] = !ok
			if ok && lease.Address.IsValid() && !slices.Contains(want, assignment{name, lease.Address}) {
				want = append(want, assignment{name, lease.Address})
			}
		}
	}
	d := compare(want, have, names, held, marks)
	for _, w := range d.add {
		a.did(w.Interface, "add "+w.Prefix.String(), assign(named[w.Interface], w.Prefix, mark))
	}
	for _, h := range d.remove {
		l := all[h.Index]
		if l == nil {
			continue // gone meanwhile
		}
		a.did(l.Attrs().Name, "remove "+h.Prefix.String(), a.h.AddrDel(l, &netlink.Addr{IPNet: ipNet(h.Prefix)}))
	}
}

// assign adds an address with an owner's mark on it. An old kernel ignores the mark.
func assign(l netlink.Link, p netip.Prefix, owner uint8) error {
	family := unix.AF_INET
	if p.Addr().Is6() {
		family = unix.AF_INET6
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	m := nl.NewIfAddrmsg(family)
	m.Prefixlen, m.Index = uint8(p.Bits()), uint32(l.Attrs().Index)
	req.AddData(m)
	ip := p.Addr().AsSlice()
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, ip))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, ip))
	if p.Addr().Is4() && p.Bits() < 31 { // RFC 3021: longer ones have no broadcast address
		req.AddData(nl.NewRtAttr(unix.IFA_BROADCAST, broadcast(p).AsSlice()))
	}
	req.AddData(nl.NewRtAttr(ifaProto, []byte{owner}))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// broadcast is the last address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for n := p.Bits(); n < 32; n++ {
		b[n/8] |= 0x80 >> (n % 8)
	}
	return netip.AddrFrom4(b)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
