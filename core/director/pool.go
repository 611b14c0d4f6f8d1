package director

import (
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A virtualServer is a virtual server, its pool, and what of it is in the table.
type virtualServer struct {
	cfg     *config.VirtualServer
	order   int         // place in the files
	service sdk.Service // without Destinations
	servers []*realServer
	byAddr  map[netip.AddrPort]*realServer
	sorry   *sorryServer // nil: none

	sum     uint64 // W: what the servers that are up have of their weights
	quorum  quorum
	since   time.Time // of the quorum's state
	checked bool      // a real server has a check
	slots   []slot    // one per server, and the last for a sorry server that is none of them

	event   uint64 // the config event of this step, or 0
	touched bool   // while verdicts are taken in: it is concerned

	suspended bool // its checks rest
	via       bool // probes of its servers go by way of the VIP
}

// A sorryServer is a sorry server. The kernel knows a destination by its address and port alone, so that one with those
// of a real server shares its slot.
type sorryServer struct {
	dest   sdk.Destination
	shared *realServer
	in     bool
}

// A slot is one destination's place in the table.
type slot struct {
	dest    sdk.Destination
	present bool
}

// sorryIn says whether clients are sent to the sorry server.
func (vs *virtualServer) sorryIn() bool { return vs.sorry != nil && vs.quorum == lost }

// weigh adds up what the servers that are up have of their weights.
func (vs *virtualServer) weigh() {
	vs.sum = 0
	for _, s := range vs.servers {
		if s.state == sdk.StateUp {
			vs.sum += uint64(s.worth())
		}
	}
}

// place returns a real server's weight and its slot. A server that the operator drains, with a configured weight of 0, or a
// check, with a factor of 0, keeps its connections while it is up, whatever the quorum does.
func (vs *virtualServer) place(s *realServer) (uint32, slot) {
	up := s.state == sdk.StateUp
	at := slot{destination(s.cfg), true}
	at.dest.Weight = s.share()
	switch {
	case up && (!vs.sorryIn() || at.dest.Weight == 0):
	case vs.cfg.OnFailure == config.Quiesce:
		at.dest.Weight = 0
	default:
		at = slot{}
	}
	weight := at.dest.Weight
	if vs.sorryIn() && vs.sorry.shared == s {
		at = slot{vs.sorry.dest, true}
	}
	return weight, at
}

// placeSorry returns the slot of a sorry server that is none of the real servers.
func (vs *virtualServer) placeSorry() slot {
	if vs.sorryIn() {
		return slot{vs.sorry.dest, true}
	}
	return slot{}
}

// ownSorrySlot says whether the last slot is the sorry server's.
func (vs *virtualServer) ownSorrySlot() bool { return len(vs.slots) > len(vs.servers) }

// whole returns the service with all that is in its slots.
func (vs *virtualServer) whole() sdk.Service {
	s := vs.service
	s.Flags = slices.Clone(s.Flags)
	s.Destinations = make([]sdk.Destination, 0, len(vs.slots))
	for _, at := range vs.slots {
		if at.present {
			s.Destinations = append(s.Destinations, at.dest)
		}
	}
	return s
}

// addrPort returns what the kernel knows the slot's destination by.
func (at slot) addrPort() netip.AddrPort { return netip.AddrPortFrom(at.dest.Address, at.dest.Port) }

// sameAddress says whether two sorry servers are the same for the kernel.
func (s *sorryServer) sameAddress(o *sorryServer) bool {
	return s.dest.Address == o.dest.Address && s.dest.Port == o.dest.Port
}
