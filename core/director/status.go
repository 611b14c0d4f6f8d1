package director

import (
	"net/netip"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Status is a snapshot of what a director thinks. It shares nothing with it.
type Status struct {
	Generation     uint64                // of the table
	VirtualServers []VirtualServerStatus // in the order of the files
	Checks         []CheckStatus         // those with a name of their own
}

// A VirtualServerStatus is what is thought of a virtual server.
type VirtualServerStatus struct {
	Name         string
	Position     config.Position
	Service      sdk.ServiceKey
	Scheduler    string
	Weight       uint64 // what the servers that are up have of their weights
	Quorum       uint64
	Hysteresis   uint64
	QuorumGained bool
	Since        time.Time // of the quorum's state
	RealServers  []RealServerStatus
	SorryServer  *SorryServerStatus // nil: none configured
}

// A RealServerStatus is what is thought of a real server.
type RealServerStatus struct {
	Name             string
	Position         config.Position
	Address          netip.Addr
	Port             uint16
	Forward          sdk.Forward
	State            sdk.State // unknown: it waits for its first verdicts, without traffic
	Reason           string
	Since            time.Time
	ConfiguredWeight uint32
	Factor           sdk.Factor // what its checks say of that
	Weight           uint32     // that it gets now; 0 also when it is out of the table
	WeightReason     string     // why an up server has another weight than the configured one
	InTable          bool       // as a real server, not as the sorry server
	Checks           []CheckStatus
}

// A SorryServerStatus is what is thought of a sorry server.
type SorryServerStatus struct {
	Position config.Position
	Address  netip.Addr
	Port     uint16
	In       bool
}

// A CheckStatus is what a check says.
type CheckStatus struct {
	ID       string // the target's
	Type     string
	Name     string // of a check with a name of its own; "" otherwise
	Position config.Position
	Address  netip.Addr // the zero Addr where the type needs none
	Port     uint16
	State    sdk.State
	Reason   string
	Factor   sdk.Factor // what it says of the weight
	Since    time.Time  // zero while unknown
}

// Status returns what the director thinks now.
func (d *Director) Status() Status {
	s := Status{Generation: d.generation}
	for _, vs := range d.virtualServers {
		s.VirtualServers = append(s.VirtualServers, vs.status())
	}
	for _, t := range d.named {
		s.Checks = append(s.Checks, t.status())
	}
	return s
}

func (vs *virtualServer) status() VirtualServerStatus {
	status := VirtualServerStatus{
		Name:         vs.cfg.Name,
		Position:     vs.cfg.Position,
		Service:      vs.service.Key,
		Scheduler:    vs.cfg.Scheduler,
		Weight:       vs.sum,
		Quorum:       vs.cfg.Quorum,
		Hysteresis:   vs.cfg.Hysteresis,
		QuorumGained: vs.quorum == gained,
		Since:        vs.since,
	}
	for i, s := range vs.servers {
		status.RealServers = append(status.RealServers, s.status(vs.slots[i].present))
	}
	if c := vs.cfg.SorryServer; c != nil {
		status.SorryServer = &SorryServerStatus{Position: c.Position, Address: c.Address, Port: c.Port, In: vs.sorryIn()}
	}
	return status
}

func (s *realServer) status(present bool) RealServerStatus {
	status := RealServerStatus{
		Name:             s.cfg.Name,
		Position:         s.cfg.Position,
		Address:          s.cfg.Address,
		Port:             s.cfg.Port,
		Forward:          sdk.Forward(s.cfg.Forward),
		State:            s.state,
		Reason:           s.reason,
		Since:            s.since,
		ConfiguredWeight: s.cfg.Weight,
		Factor:           s.factor,
		Weight:           s.weight,
		InTable:          present && !(s.vs.sorryIn() && s.vs.isSorry(s)),
	}
	if s.state == sdk.StateUp && s.worth() != s.cfg.Weight {
		status.WeightReason = s.weighReason()
	}
	for _, t := range s.targets {
		status.Checks = append(status.Checks, t.status())
	}
	return status
}

func (t *target) status() CheckStatus {
	return CheckStatus{
		ID:       t.spec.ID,
		Type:     t.check.Type,
		Name:     t.check.Name,
		Position: t.check.Position,
		Address:  t.spec.Address,
		Port:     t.spec.Port,
		State:    t.verdict.State,
		Reason:   t.verdict.Reason,
		Factor:   t.verdict.Factor,
		Since:    t.verdict.Since,
	}
}
