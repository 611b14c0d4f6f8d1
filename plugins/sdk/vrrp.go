package sdk

import (
	"context"
	"net/netip"
	"time"
)

// A VRRPInstance is one virtual router as RFC 9568 and RFC 3768 mean it.
type VRRPInstance struct {
	Name            string
	Interface       string
	VirtualRouterID uint8
	Version         uint8 // 2 or 3
	Priority        uint8 // before tracking
	AdvertInterval  time.Duration
	Preempt         bool
	PreemptDelay    time.Duration
	UnicastPeers    []netip.Addr
	Addresses       []VirtualAddress
	Authentication  VRRPAuthentication
	SyncGroup       string // "" or the group's name
	PriorityChange  int    // the sum of the tracked objects' weights now
	Fault           string // not "": a tracked object without weight is down, and this says which
	Released        bool   // the operator gave the role away
}

// A VirtualAddress is an address that the master holds.
type VirtualAddress struct {
	Prefix    netip.Prefix
	Interface string // "": the instance's
	Label     string
}

// VRRPAuthentication is version 2's. The zero value means none.
type VRRPAuthentication struct {
	Type     string // "", "pass" or "ah"
	Password string
}

// A VRRPState is a state of the protocol's machine.
type VRRPState string

// The states of RFC 9568 section 6.4, and Fault, as keepalived calls an instance that may not take part.
const (
	VRRPInitialize VRRPState = "initialize"
	VRRPBackup     VRRPState = "backup"
	VRRPMaster     VRRPState = "master"
	VRRPFault      VRRPState = "fault"
)

// A VRRPTransition says that an instance is in another state.
type VRRPTransition struct {
	Instance string
	From, To VRRPState
	Reason   string
	Time     time.Time
}

// A VRRPCommand is an operator's word to an instance: "garp" announces its addresses again.
type VRRPCommand struct {
	Instance string
	Action   string
}

// VRRP is a vrrp plugin as the core sees it.
type VRRP interface {
	// Apply says which instances there should be, and with what priority.
	Apply(ctx context.Context, instances []VRRPInstance) error
	// Watch calls report with the state of each instance, then with every transition.
	Watch(ctx context.Context, report func(VRRPTransition)) error
	// Command carries out what an operator asked for.
	Command(ctx context.Context, c VRRPCommand) error
}
