package config

import (
	"net/netip"
	"time"
)

// A VRRPInstance is a vrrp_instance block.
type VRRPInstance struct {
	Name            string
	Position        Position
	Interface       string
	VirtualRouterID uint8
	Version         uint8 // 2 or 3, default 3
	Priority        uint8 // default 100
	AdvertInterval  time.Duration
	Preempt         bool // default true
	PreemptDelay    time.Duration
	StartupDelay    time.Duration
	Checksum        Checksum
	Accept          bool       // default true
	SourceAddress   netip.Addr // the zero Addr: the interface's own
	MulticastGroup  netip.Addr // the zero Addr: the protocol's own
	UnicastPeers    []netip.Addr
	UnicastTTL      UnicastTTL
	Addresses       []VirtualAddress // the family of the first is that of the adverts
	Excluded        []VirtualAddress // held, and not in adverts
	Routes          []VirtualRoute
	VirtualMAC      VirtualMAC
	Announcements   Announcements
	Authentication  *Authentication // nil: none
	Track           []Track
}

// IPv6 says whether adverts go by IPv6: the family of the first address.
func (v *VRRPInstance) IPv6() bool { return len(v.Addresses) > 0 && v.Addresses[0].Prefix.Addr().Is6() }

// Holds says whether a master of the instance has an address.
func (v *VRRPInstance) Holds(a netip.Addr) bool {
	for _, list := range [][]VirtualAddress{v.Addresses, v.Excluded} {
		for _, va := range list {
			if va.Prefix.Addr() == a {
				return true
			}
		}
	}
	return false
}

// Checksum is how version 3 counts over IPv4.
type Checksum string

// The values of checksum: over the VRRP message alone, the default, or with the pseudo-header of RFC 5798.
const (
	RFC9568 Checksum = "rfc9568"
	RFC5798 Checksum = "rfc5798"
)

// A VirtualAddress is an element of virtual_addresses or virtual_addresses_excluded, or a virtual_address block.
type VirtualAddress struct {
	Position  Position
	Prefix    netip.Prefix
	Interface string // "": the instance's
	Label     string
	Scope     string     // "": global
	Peer      netip.Addr // the zero Addr: none
}

// A VirtualRoute is a virtual_route block.
type VirtualRoute struct {
	Position    Position
	Destination netip.Prefix
	Via         netip.Addr // the zero Addr: on the link
	Interface   string     // "": the instance's
	Source      netip.Addr
	Metric      uint32
	Table       uint32 // 0: main
}

// UnicastTTL is unicast_ttl, unicast_min_ttl and unicast_max_ttl. Zeros are those that were not written.
type UnicastTTL struct{ Send, Min, Max uint8 }

// A VirtualMAC is use_vmac and what belongs to it.
type VirtualMAC struct {
	Use             bool
	Name            string // "": "vrrp.51", with the virtual router's ID
	AdvertsFromBase bool
}

// Announcements are the garp_ and gna_ attributes, defaults filled in.
type Announcements struct {
	Repeat              int
	Delay               time.Duration
	Refresh             time.Duration
	RefreshRepeat       int
	LowerPriorityRepeat int
	LowerPriorityDelay  time.Duration
	ARPInterval         time.Duration
	NAInterval          time.Duration
}

// Authentication is an authentication block, of version 2 only.
type Authentication struct {
	Type     string // "pass" or "ah"
	Password string
}

// A Track is a track block. Exactly one of Check and Interface is set.
type Track struct {
	Position  Position
	Check     *Check
	Interface string
	Weight    *int          // nil: down means FAULT
	UpDelay   time.Duration // of an interface
	DownDelay time.Duration
}

// A SyncGroup is a vrrp_sync_group block.
type SyncGroup struct {
	Name     string
	Position Position
	Members  []*VRRPInstance
	Track    []Track // for every member
}
