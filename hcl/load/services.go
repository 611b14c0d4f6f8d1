package load

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// services keeps virtual servers apart: no two may be known by the same packets.
type services struct {
	byAddress map[addressKey]*service
	byMark    map[markKey]*service
	onAddress map[matchKey][]*service // those with a match
	list      []*service
}

type addressKey struct {
	address  netip.Addr
	port     uint16
	protocol string
}

type markKey struct {
	mark uint32
	ipv6 bool
}

type matchKey struct {
	address  netip.Addr
	protocol string
}

// add takes in a virtual server that was decoded, and reports one that is there already.
func (ss *services) add(l *loader, s *service) {
	if !s.known {
		return
	}
	if ss.byAddress == nil {
		ss.byAddress, ss.byMark, ss.onAddress = map[addressKey]*service{}, map[markKey]*service{}, map[matchKey][]*service{}
	}
	ss.list = append(ss.list, s)
	a := &s.Service
	switch {
	case len(a.Match) > 0:
		ss.addMatches(l, s)
	case a.Mark != 0:
		key := markKey{a.Mark, a.IPv6}
		if first := ss.byMark[key]; first != nil {
			l.duplicate(s.at, fmt.Sprintf("fwmark %d", a.Mark), first)
			return
		}
		ss.byMark[key] = s
	default:
		key := addressKey{a.Address, a.Port, a.Protocol}
		if first := ss.byAddress[key]; first != nil {
			l.duplicate(s.at, fmt.Sprintf("%s %s", a.Protocol, netip.AddrPortFrom(a.Address, a.Port)), first)
			return
		}
		ss.byAddress[key] = s
	}
}

func (l *loader) duplicate(at hcl.Range, what string, first *service) {
	l.r.Errorf(at, "Duplicate service", "%s is virtual_server %q already, at %s: a packet can be of one virtual server only.", what, first.Name, first.Position)
}

func (ss *services) addMatches(l *loader, s *service) {
	blocks := s.body.Of("match")
	for i, m := range s.Service.Match {
		key := matchKey{m.Address, m.Protocol}
		for _, other := range ss.onAddress[key] {
			if other != s && slices.ContainsFunc(other.Service.Match, func(o config.Match) bool { return overlap(m, o) }) {
				l.duplicate(blocks[i].Range(), "A part of this match", other)
				break
			}
		}
		if !slices.Contains(ss.onAddress[key], s) {
			ss.onAddress[key] = append(ss.onAddress[key], s)
		}
	}
}

func overlap(a, b config.Match) bool {
	if a.Address != b.Address || a.Protocol != b.Protocol {
		return false
	}
	if len(a.Ports) == 0 || len(b.Ports) == 0 {
		return true
	}
	for _, p := range a.Ports {
		for _, q := range b.Ports {
			if p.First <= q.Last && q.First <= p.Last {
				return true
			}
		}
	}
	return false
}

// finish checks what only all virtual servers together show, and gives those with a match their marks.
func (ss *services) finish(l *loader) {
	ss.shadowed(l)
	ss.mark(l)
}

// shadowed reports services by address whose packets a match takes: the kernel looks for a mark first
// (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_service_find).
func (ss *services) shadowed(l *loader) {
	for _, s := range ss.list {
		a := &s.Service
		if s.byMark {
			continue
		}
		one := config.Match{Address: a.Address, Protocol: a.Protocol}
		if a.Port != 0 {
			one.Ports = []config.PortRange{{First: a.Port, Last: a.Port}}
		}
		for _, other := range ss.onAddress[matchKey{a.Address, a.Protocol}] {
			covered := func(m config.Match) bool {
				return overlap(m, one) && (a.Port != 0 || len(m.Ports) == 0)
			}
			if slices.ContainsFunc(other.Service.Match, covered) {
				l.duplicate(s.at, fmt.Sprintf("%s %s", a.Protocol, netip.AddrPortFrom(a.Address, a.Port)), other)
				break
			}
		}
	}
}

// markBase is the upper half of the marks that are chosen here: "EV" in ASCII. The lower half is a hash of the name.
const markBase = 0x45560000

// mark gives each virtual server with a match its mark. It depends on the names alone, not on their order, so that it
// stays the same while other parts of the files change; a hash that is taken already goes to the next free number.
func (ss *services) mark(l *loader) {
	taken := map[uint32]bool{}
	var marked []*service
	for _, s := range ss.list {
		switch {
		case len(s.Service.Match) > 0:
			marked = append(marked, s)
		case s.byMark:
			taken[s.Service.Mark] = true
		}
	}
	slices.SortFunc(marked, func(a, b *service) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range marked {
		hash := nameHash(s.Name)
		for n := range uint32(1 << 16) {
			if m := markBase | uint32(hash+uint16(n)); !taken[m] {
				s.Service.Mark, taken[m] = m, true
				break
			}
		}
		if s.Service.Mark == 0 {
			l.r.Errorf(s.at, "Too many matches", "There are marks for %d virtual servers with a match block.", 1<<16)
		}
	}
}

// nameHash is the 32-bit FNV-1a hash of a name, folded to 16 bits.
func nameHash(name string) uint16 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return uint16(h>>16) ^ uint16(h)
}
