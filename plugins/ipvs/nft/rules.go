// Package nft keeps the one nftables table that evenkeel owns, "inet evenkeel": it marks the packets of services that are
// known by a firewall mark, and masquerades those that go to real servers behind full NAT.
//
// The table is replaced as a whole, in one transaction, and only when it is not what it should be. Other tables are never
// touched.
package nft

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Rules are what the table should hold. The zero value means that there should be no table.
type Rules struct {
	Marks      []Mark
	Masquerade []Masquerade
}

// Packets are those to an address, and to a range of ports of a protocol (both ends included; 0, 0: every port).
type Packets struct {
	Address     netip.Addr
	Protocol    uint8 // unix.IPPROTO_TCP …
	First, Last uint16
}

// String returns "tcp 192.0.2.1:80-443".
func (p Packets) String() string {
	name := map[uint8]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_SCTP: "sctp"}[p.Protocol]
	if name == "" {
		name = fmt.Sprintf("protocol %d", p.Protocol)
	}
	switch {
	case p.First == 0 && p.Last == 0:
		return fmt.Sprintf("%s %s", name, p.Address)
	case p.First == p.Last:
		return fmt.Sprintf("%s %s", name, netip.AddrPortFrom(p.Address, p.First))
	}
	return fmt.Sprintf("%s %s-%d", name, netip.AddrPortFrom(p.Address, p.First), p.Last)
}

// A Mark sets the firewall mark of packets that come in, and of those that the machine itself sends.
type Mark struct {
	Packets
	Mark uint32
}

// String returns "mark tcp 192.0.2.1:80 with 99".
func (m Mark) String() string { return fmt.Sprintf("mark %s with %d", m.Packets, m.Mark) }

// A Masquerade gives the machine's own source address to the packets of a service that go to one real server. The service
// is known by the address that the client asked for (conntrack's original destination), or by its mark.
type Masquerade struct {
	Service Packets // unless Mark
	Mark    uint32
	Server  netip.Addr
	Port    uint16 // 0: every port; with Mark always every
}

// String returns "masquerade tcp 192.0.2.1:80 to 10.0.0.1:80".
func (m Masquerade) String() string {
	what := m.Service.String()
	if m.Mark != 0 {
		what = fmt.Sprintf("mark %d", m.Mark)
	}
	return fmt.Sprintf("masquerade %s to %s", what, netip.AddrPortFrom(m.Server, m.Port))
}

// Empty says whether there are no rules.
func (r Rules) Empty() bool { return len(r.Marks) == 0 && len(r.Masquerade) == 0 }

// Union returns the rules of both, sorted.
func (r Rules) Union(o Rules) Rules {
	u := Rules{Marks: slices.Concat(r.Marks, o.Marks), Masquerade: slices.Concat(r.Masquerade, o.Masquerade)}
	u.Sort()
	return u
}

// Equal compares sorted rules.
func (r Rules) Equal(o Rules) bool {
	return slices.Equal(r.Marks, o.Marks) && slices.Equal(r.Masquerade, o.Masquerade)
}

// Sort puts the rules in an order of their own, and takes away those that are there twice: which packets get which mark
// does not depend on the order in which services were configured.
func (r *Rules) Sort() {
	slices.SortFunc(r.Marks, func(a, b Mark) int { return cmp.Or(a.compare(b.Packets), cmp.Compare(a.Mark, b.Mark)) })
	r.Marks = slices.Compact(r.Marks)
	slices.SortFunc(r.Masquerade, func(a, b Masquerade) int {
		return cmp.Or(cmp.Compare(a.Mark, b.Mark), a.Service.compare(b.Service), a.Server.Compare(b.Server), cmp.Compare(a.Port, b.Port))
	})
	r.Masquerade = slices.Compact(r.Masquerade)
}

func (p Packets) compare(o Packets) int {
	return cmp.Or(p.Address.Compare(o.Address), cmp.Compare(p.Protocol, o.Protocol), cmp.Compare(p.First, o.First), cmp.Compare(p.Last, o.Last))
}
