package director

import (
	"reflect"
	"slices"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A check with via = "vip" asks at the virtual address, by way of one real server: its packets have a mark of that server's
// own, under which the balancer has a service with nobody else in it. Whatever the virtual server does, these services are
// there as long as the checks are.

// viaBase is the upper byte of their marks, "V" in ASCII; the lower three are a hash of the service and the server. Those that package
// load chooses for match blocks begin with "EV".
const viaBase = 0x56000000

// marks are those of a plan's real servers.
type marks struct {
	former map[string]uint32 // by service and real server, in the plan before
	taken  map[uint32]bool
}

// newMarks returns the marks of a configuration's own, and those that its real servers had before.
func newMarks(cfg *config.Config, former []*virtualServer) *marks {
	m := &marks{make(map[string]uint32), make(map[uint32]bool)}
	for _, vs := range cfg.VirtualServers {
		if vs != nil {
			m.taken[vs.Service.Mark] = true
		}
	}
	for _, vs := range former {
		if !slices.Contains(cfg.VirtualServers, vs.cfg) {
			m.free(vs)
		}
		for _, s := range vs.servers {
			m.taken[s.mark] = true
		}
	}
	return m
}

// free lets the same real servers of the same service have the marks that they had.
func (m *marks) free(vs *virtualServer) {
	for _, s := range vs.servers {
		if s.mark != 0 {
			m.former[s.place()] = s.mark
		}
	}
}

// of returns the mark of a real server: what it was before, or else a number made of its place, or the next that is free.
func (m *marks) of(place string) uint32 {
	if was := m.former[place]; was != 0 {
		delete(m.former, place)
		return was
	}
	h := uint32(2166136261) // FNV-1a
	for i := range len(place) {
		h = (h ^ uint32(place[i])) * 16777619
	}
	for h = h>>24 ^ h; ; h++ {
		if mark := viaBase | h&0xffffff; !m.taken[mark] {
			m.taken[mark] = true
			return mark
		}
	}
}

// place names a real server as the kernel does.
func (s *realServer) place() string { return s.vs.service.Key.String() + "/" + s.addrPort().String() }

// goVia makes a target of a real server ask at the virtual address.
func (p *plan) goVia(s *realServer, t *target) {
	if s.mark == 0 {
		s.mark = p.marks.of(s.place())
		s.vs.via = true
	}
	t.spec.Egress.Mark, t.spec.Egress.Toward = s.mark, s.cfg.Address
}

// ways returns the services of a virtual server's probes.
func (vs *virtualServer) ways() []sdk.Service {
	if !vs.via {
		return nil
	}
	var list []sdk.Service
	for _, s := range vs.servers {
		if s.mark == 0 {
			continue
		}
		d := destination(s.cfg)
		d.Weight, d.UpperThreshold, d.LowerThreshold = 1, 0, 0
		switch d.Forward {
		case sdk.NAT, sdk.FullNAT:
			d.Forward = sdk.NAT // the director's own packets come from its own address already
		default:
			d.Port = 0 // packets keep theirs
		}
		list = append(list, sdk.Service{
			Key:          sdk.ServiceKey{Mark: s.mark, IPv6: vs.cfg.Service.Address.Is6()},
			Name:         s.subject + " by way of the VIP",
			Scheduler:    "rr",
			OnePacket:    vs.cfg.Service.Protocol == "udp", // no connection is kept that would lead the next probe astray
			Probe:        true,
			Destinations: []sdk.Destination{d},
		})
	}
	return list
}

// diffWays compares the services of probes of two plans.
func diffWays(u *sdk.TableUpdate, old, next []*virtualServer) {
	had := make(map[sdk.ServiceKey]sdk.Service)
	var order []sdk.ServiceKey
	for _, vs := range old {
		for _, s := range vs.ways() {
			had[s.Key] = s
			order = append(order, s.Key)
		}
	}
	there := make(map[sdk.ServiceKey]bool)
	for _, vs := range next {
		for _, s := range vs.ways() {
			there[s.Key] = true
			if was, ok := had[s.Key]; !ok || !reflect.DeepEqual(was, s) {
				u.Table.Services = append(u.Table.Services, s)
			}
		}
	}
	u.Removed = append(u.Removed, slices.DeleteFunc(order, func(k sdk.ServiceKey) bool { return there[k] })...)
}

// usesVia says whether a check of a virtual server goes by way of the VIP.
func usesVia(c *config.VirtualServer) bool {
	return slices.ContainsFunc(c.RealServers, func(s *config.RealServer) bool {
		return s != nil && slices.ContainsFunc(s.Checks, func(c *config.Check) bool { return c != nil && c.Via })
	})
}
