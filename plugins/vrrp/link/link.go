package link

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// A Link is an interface.
type Link struct {
	Name     string
	Index    int
	Up       bool // set up by the operator, and with carrier: IFF_UP and IFF_RUNNING
	MTU      int
	Hardware [6]byte // zero: it has none, or none of Ethernet
}

func linkOf(l rtnetlink.Link) Link {
	const up = unix.IFF_UP | unix.IFF_RUNNING // the latter is operstate up, or unknown and with carrier
	return Link{Name: l.Name, Index: l.Index, Up: l.Flags&up == up, MTU: l.MTU, Hardware: l.Hardware}
}

// A Kind is what has happened.
type Kind uint8

// The kinds of events.
const (
	Appeared       Kind = iota // the interface exists now; Link.Up says whether it is up
	Gone                       // the interface has been deleted, renamed or moved
	Up                         //
	Down                       //
	Changed                    // it has another MTU or hardware address
	AddressAdded               // and ready for use
	AddressRemoved             //
)

// String returns "up".
func (k Kind) String() string {
	return [...]string{"appeared", "gone", "up", "down", "changed", "address added", "address removed"}[k]
}

// An Event is a change of an interface.
type Event struct {
	Kind    Kind
	Link    Link         // as it is now; as it was, if Gone
	Address netip.Prefix // of AddressAdded and AddressRemoved
}

// String is for a log: "eth0: address removed 192.0.2.1/24".
func (e Event) String() string {
	if e.Address.IsValid() {
		return fmt.Sprintf("%s: %s %s", e.Link.Name, e.Kind, e.Address)
	}
	return fmt.Sprintf("%s: %s", e.Link.Name, e.Kind)
}

// Link returns an interface by its name, if it exists.
func (m *Monitor) Link(name string) (Link, bool) {
	if k := m.byName(name); k != nil {
		return k.Link, true
	}
	return Link{}, false
}

func (m *Monitor) byName(name string) *known {
	for _, k := range m.known {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Holds says whether an interface has an address, whatever its prefix, and ready for use.
func (m *Monitor) Holds(name string, address netip.Addr) bool {
	if k := m.byName(name); k != nil {
		for _, a := range k.addresses {
			if a.Local.Addr() == address && usable(a) {
				return true
			}
		}
	}
	return false
}

// IPv4 returns an interface's primary IPv4 address: the first that is not a virtual one, by its mark or by what the caller
// says. virtual may be nil.
func (m *Monitor) IPv4(name string, virtual func(netip.Addr) bool) (netip.Addr, bool) {
	return m.first(name, virtual, func(a rtnetlink.Address) bool { return a.Local.Addr().Is4() && a.Scope != unix.RT_SCOPE_HOST })
}

// LinkLocal returns an interface's first IPv6 link-local address that is not a virtual one. It has no zone.
func (m *Monitor) LinkLocal(name string, virtual func(netip.Addr) bool) (netip.Addr, bool) {
	return m.first(name, virtual, func(a rtnetlink.Address) bool {
		return a.Local.Addr().Is6() && a.Local.Addr().IsLinkLocalUnicast()
	})
}

func (m *Monitor) first(name string, virtual func(netip.Addr) bool, right func(rtnetlink.Address) bool) (netip.Addr, bool) {
	k := m.byName(name)
	if k == nil {
		return netip.Addr{}, false
	}
	for _, a := range k.addresses {
		ip := a.Local.Addr()
		if right(a) && usable(a) && a.Protocol != rtnetlink.Mark && (virtual == nil || !virtual(ip)) {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// Forwards6 says whether the machine forwards IPv6 that arrives on an interface, now: it is a router there, and says so in its
// neighbour advertisements.
func (m *Monitor) Forwards6(index int) (bool, error) {
	c, err := m.conn.Configuration(unix.AF_INET6, index)
	if err != nil {
		return false, fmt.Errorf("read whether interface %d forwards IPv6: %w", index, err)
	}
	return c.Forwarding, nil
}
