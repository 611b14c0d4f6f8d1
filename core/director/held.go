package director

import (
	"net/netip"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// held is what the kernel held at the start.
type held map[sdk.ServiceKey]map[netip.AddrPort]sdk.Destination

// readHeld brings what was observed into the form of the director's own keys.
func readHeld(services []sdk.ObservedService) held {
	h := make(held, len(services))
	for _, s := range services {
		key := s.Key
		key.Address = key.Address.Unmap()
		if key.Mark == 0 {
			key.IPv6 = false
		}
		pool := make(map[netip.AddrPort]sdk.Destination, len(s.Destinations))
		for _, o := range s.Destinations {
			pool[netip.AddrPortFrom(o.Address.Unmap(), o.Port)] = o.Destination
		}
		h[key] = pool
	}
	return h
}

// adopt tells the real servers of a virtual server what they are taken for, and returns the state that its quorum was in.
func (h held) adopt(vs *virtualServer) quorum {
	pool := h[vs.service.Key]
	serving := 0 // real servers that get traffic and are not the sorry server
	for _, s := range vs.servers {
		at, ok := pool[netip.AddrPortFrom(s.cfg.Address, s.cfg.Port)]
		if ok && at.Weight > 0 && !vs.isSorry(s) {
			serving++
		}
	}
	was := neverSeen
	sorryHeld := vs.sorryHeld(pool, serving)
	switch {
	case sorryHeld:
		was = lost
	case serving > 0, vs.sorry != nil && vs.sorry.shared != nil && heldAt(pool, vs.sorry.dest).Weight > 0:
		was = gained
	}
	for _, s := range vs.servers {
		at, ok := pool[netip.AddrPortFrom(s.cfg.Address, s.cfg.Port)]
		s.heldWeight = at.Weight
		if vs.isSorry(s) && sorryHeld {
			ok = false // what is held there is the sorry server
		}
		if ok {
			s.granted = s.heldFactor(at.Weight)
		}
		// Where servers that are down are left with weight 0, that does not tell one that is drained.
		drained := s.granted == sdk.FactorOf(0) && vs.cfg.OnFailure != config.Quiesce
		s.assume(ok && (at.Weight > 0 || s.cfg.Weight == 0 || drained), "it was in the kernel's table at the start and its checks are not yet known")
	}
	return was
}

// isSorry says whether the sorry server is this real server.
func (vs *virtualServer) isSorry(s *realServer) bool { return vs.sorry != nil && vs.sorry.shared == s }

// heldAt returns what a pool holds at a destination's address and port.
func heldAt(pool map[netip.AddrPort]sdk.Destination, dest sdk.Destination) sdk.Destination {
	return pool[netip.AddrPortFrom(dest.Address, dest.Port)]
}

// sorryHeld says whether the pool has the sorry server in. One that shares its address with a real server is in when it
// is alone and looks like the sorry server; where both would look the same, the table does not depend on the answer.
func (vs *virtualServer) sorryHeld(pool map[netip.AddrPort]sdk.Destination, serving int) bool {
	if vs.sorry == nil {
		return false
	}
	at := heldAt(pool, vs.sorry.dest)
	if vs.sorry.shared == nil {
		return at.Weight > 0
	}
	return serving == 0 && at.Weight == vs.sorry.dest.Weight && at.UpperThreshold == vs.sorry.dest.UpperThreshold &&
		kernelForward(at.Forward) == kernelForward(vs.sorry.dest.Forward)
}

// kernelForward returns the method as the kernel has it, which knows nothing of the masquerade that makes nat fullnat.
func kernelForward(f sdk.Forward) sdk.Forward {
	if f == sdk.Forward(config.FullNAT) {
		return sdk.NAT
	}
	return f
}
