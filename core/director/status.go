package director

import (
	"fmt"
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
	Instances      []InstanceStatus
	Groups         []GroupStatus
	Brake          *BrakeStatus // nil: it holds nothing
}

// An InstanceStatus is what is thought of a vrrp_instance.
type InstanceStatus struct {
	Name       string
	Position   config.Position
	Interface  string
	RouterID   uint8
	Version    uint8
	Configured uint8 // priority
	Addresses  []netip.Prefix
	Group      string        // "": none
	State      sdk.VRRPState // "": nobody has said
	Since      time.Time
	Reason     string
	Priority   uint8 // with all tracking, as the plugin says; 0: it has not
	Released   bool
	Fault      string // "": no check keeps it from being master
	Notices    []sdk.VRRPNotice
}

// A GroupStatus is what is thought of a vrrp_sync_group.
type GroupStatus struct {
	Name     string
	Position config.Position
	Members  []string
	State    sdk.VRRPState // "": its members have not been in one state yet
	Since    time.Time
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
	Servers, Up  int       // how many real servers there are, and how many of them are up
	RealServers  []RealServerStatus
	Suspended    string             // why its checks rest; "": they run
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
	Climbs           bool       // it is on the way to its weight
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
	Held     bool       // by the brake: it is down, and counts as up
	Since    time.Time  // zero while unknown
}

// Status returns what the director thinks now.
func (d *Director) Status() Status {
	s := d.Overview()
	for _, vs := range d.virtualServers {
		s.VirtualServers = append(s.VirtualServers, vs.status(false))
	}
	return s
}

// VirtualServers returns what the director thinks of its virtual servers from one on, which is counted from 0: as many as
// together have some number of real servers, and one at least if there is one. With brief real servers are only counted.
// Whoever asks for all of them piece by piece holds nobody up.
func (d *Director) VirtualServers(from, servers int, brief bool) (list []VirtualServerStatus) {
	for _, vs := range d.virtualServers[min(from, len(d.virtualServers)):] {
		list = append(list, vs.status(brief))
		if servers -= len(vs.servers); servers <= 0 {
			break
		}
	}
	return list
}

// Overview is the Status without virtual servers.
func (d *Director) Overview() Status {
	s := Status{Generation: d.generation, Brake: d.brakeStatus()}
	for _, t := range d.named {
		s.Checks = append(s.Checks, t.status())
	}
	for _, v := range d.instances {
		s.Instances = append(s.Instances, v.status())
	}
	for _, g := range d.groups {
		status := GroupStatus{Name: g.cfg.Name, Position: g.cfg.Position, State: g.state, Since: g.since}
		for _, v := range g.members {
			status.Members = append(status.Members, v.cfg.Name)
		}
		s.Groups = append(s.Groups, status)
	}
	return s
}

func (v *instance) status() InstanceStatus {
	status := InstanceStatus{
		Name:       v.cfg.Name,
		Position:   v.cfg.Position,
		Interface:  v.cfg.Interface,
		RouterID:   v.cfg.VirtualRouterID,
		Version:    v.cfg.Version,
		Configured: v.cfg.Priority,
		Group:      v.spec.SyncGroup,
		State:      v.state,
		Since:      v.since,
		Reason:     v.reason,
		Priority:   v.priority,
		Released:   v.spec.Released,
		Fault:      v.spec.Fault,
	}
	for _, list := range [][]config.VirtualAddress{v.cfg.Addresses, v.cfg.Excluded} {
		for _, a := range list {
			status.Addresses = append(status.Addresses, a.Prefix)
		}
	}
	for _, n := range v.notices {
		status.Notices = append(status.Notices, n.VRRPNotice)
	}
	return status
}

func (vs *virtualServer) status(brief bool) VirtualServerStatus {
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
		Servers:      len(vs.servers),
	}
	if vs.suspended {
		status.Suspended = "its checks follow " + vs.cfg.ChecksFollow + ", which is not master here"
	}
	for i, s := range vs.servers {
		if s.state == sdk.StateUp {
			status.Up++
		}
		if !brief {
			status.RealServers = append(status.RealServers, s.status(vs.slots[i].present))
		}
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
	if s.state == sdk.StateUp && s.climbs() {
		if status.WeightReason != "" {
			status.WeightReason += "; "
		}
		status.WeightReason += fmt.Sprintf("slow start: it climbs to %d until %s", s.worth(), s.began.Add(s.cfg.SlowStart).Format(time.TimeOnly))
		status.Climbs = true
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
		Factor:   t.factor(),
		Held:     t.held,
		Since:    t.verdict.Since,
	}
}
