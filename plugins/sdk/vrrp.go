package sdk

import (
	"context"
	"net/netip"
	"time"
)

// A VRRPInstance is one virtual router as RFC 9568 and RFC 3768 mean it. Its adverts go in the family of its first address;
// addresses of the other family are held with it.
type VRRPInstance struct {
	Name            string
	Interface       string
	VirtualRouterID uint8
	Version         uint8 // 2 or 3
	Priority        uint8 // before tracking; 255 owns the addresses
	AdvertInterval  time.Duration
	Preempt         bool
	PreemptDelay    time.Duration
	StartupDelay    time.Duration // after the plugin's start, before the instance may become master
	RFC5798Checksum bool          // version 3 over IPv4: what is sent has RFC 5798's pseudo-header; both are accepted
	DropToVIP       bool          // Accept_Mode is false: what is sent to the addresses themselves is dropped (RFC 9568 section 6.1)
	Source          netip.Addr    // of adverts; the zero Addr: the interface's own
	MulticastGroup  netip.Addr    // the zero Addr: 224.0.0.18 or ff02::12
	UnicastPeers    []netip.Addr  // none: multicast
	UnicastTTL      UnicastTTL
	Addresses       []VirtualAddress
	Excluded        []VirtualAddress // held as the others are, but not in adverts
	Routes          []VirtualRoute
	VirtualMAC      VirtualMAC
	Announcements   Announcements
	Authentication  VRRPAuthentication
	SyncGroup       string // "" or the group's name
	Interfaces      []TrackedInterface
	PriorityChange  int    // the sum of the tracked checks' weights now
	Fault           string // not "": a tracked check without weight is down, and this says which
	Released        bool   // the operator gave the role away
}

// A VirtualAddress is an address that the master holds.
type VirtualAddress struct {
	Prefix    netip.Prefix
	Interface string // "": the instance's
	Label     string
	Scope     string     // "": global; otherwise as in ip-address(8): "link", "host", or a number
	Peer      netip.Addr // the other end of a point-to-point address, or the zero Addr
}

// A VirtualRoute is a route that the master has.
type VirtualRoute struct {
	Destination netip.Prefix
	Via         netip.Addr // the zero Addr: on the link
	Interface   string     // "": the instance's
	Source      netip.Addr // preferred source, or the zero Addr
	Metric      uint32
	Table       uint32 // 0: main
}

// UnicastTTL is the TTL or hop limit of unicast adverts. The zero value sends 255 and accepts any, as keepalived does.
type UnicastTTL struct {
	Send     uint8 // 0: 255
	Min, Max uint8 // what is accepted; 0: no bound
}

// A VirtualMAC gives the instance the MAC address of RFC 9568 section 7.3, on a macvlan of its own.
type VirtualMAC struct {
	Use             bool
	Name            string // of the macvlan; "": "vrrp." or, over IPv6, "vrrp6.", and the virtual router's ID
	AdvertsFromBase bool   // adverts leave by the interface below, with its MAC address
}

// Announcements are the gratuitous ARPs and unsolicited neighbor advertisements. Durations of 0 mean never, or, of an
// interval, all at once.
type Announcements struct {
	Repeat              int           // how many of each address when the instance becomes master
	Delay               time.Duration // after that, the same number once more
	Refresh             time.Duration // between repetitions while it is master
	RefreshRepeat       int
	LowerPriorityRepeat int // when a master of lower priority was heard
	LowerPriorityDelay  time.Duration
	ARPInterval         time.Duration // between two ARPs on an interface
	NAInterval          time.Duration
}

// A TrackedInterface is one whose state counts for an instance. The instance's own interface always counts.
type TrackedInterface struct {
	Name      string
	Weight    int           // 0: while it is down the instance is in FAULT
	UpDelay   time.Duration // it counts as up when it has been up for so long
	DownDelay time.Duration
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
	From, To VRRPState // From is "" in a snapshot
	Priority uint8     // with tracking
	Reason   string
	Time     time.Time
}

// The kinds of a VRRPNotice.
const (
	NoticeRival    = "rival"    // another master of the same virtual router is heard: a split brain
	NoticeConflict = "conflict" // somebody else answers for an address that is held
	NoticeAddress  = "address"  // an address could not be added, or was taken away by somebody else
)

// A VRRPNotice is something that is wrong about an instance in whatever state. It begins and ends.
type VRRPNotice struct {
	Instance string
	Kind     string // NoticeRival, NoticeConflict or NoticeAddress
	Subject  string // whom it is about: the other's address, the virtual address; with Kind and Instance, what ends
	Ended    bool
	Text     string // in words for an operator
	Time     time.Time
}

// A VRRPReport is one message of a vrrp plugin's stream.
type VRRPReport struct {
	Snapshot    bool // all instances and all notices that have not ended
	Transitions []VRRPTransition
	Notices     []VRRPNotice
}

// A VRRPStatus is what a vrrp plugin knows of itself and its instances.
type VRRPStatus struct {
	Privileges string        // what it has for its deadlines, and what it could not get, in words
	LateTimers uint64        // timers that ran more than LateAfter after they were due
	LateAfter  time.Duration // what counts as late
	MaxLate    time.Duration
	Unknown    uint64 // adverts of virtual routers that are not configured; the kernel's filter drops most of them before
	Instances  []VRRPInstanceStatus
}

// A VRRPInstanceStatus is what a vrrp plugin knows of one instance.
type VRRPInstanceStatus struct {
	Name             string
	State            VRRPState
	Since            time.Time
	Reason           string
	Priority         uint8         // with tracking
	Source           netip.Addr    // of its own adverts
	MasterAddress    netip.Addr    // of the master last heard, or its own
	MasterPriority   uint8         // likewise
	MasterInterval   time.Duration // between the master's adverts
	Held             []netip.Prefix
	Notices          []VRRPNotice // that have not ended
	BecameMaster     uint64
	AdvertsSent      uint64
	AdvertsReceived  uint64
	SendErrors       uint64
	LastSendError    string
	Discarded        []VRRPDiscard
	Announced        uint64        // gratuitous ARPs and neighbor advertisements sent
	LargestAdvertGap time.Duration // between two of its own adverts while it was master
}

// A VRRPDiscard counts adverts that changed nothing because of what was wrong with them.
type VRRPDiscard struct {
	Reason string // "ttl", "checksum", "password" …
	Count  uint64
	Last   string // the last one in words: from whom, and what was wrong
}

// A VRRPCommand is an operator's word to an instance.
type VRRPCommand struct {
	Instance string
	Action   string // CommandAnnounce
}

// CommandAnnounce announces the addresses of an instance that is master again.
const CommandAnnounce = "garp"

// VRRP is a vrrp plugin as the core sees it.
type VRRP interface {
	// Apply says which instances there should be, and with what priority: all of them, each time. An instance whose
	// interface, family, virtual router ID and version have not changed misses no advert. What can't be done now (an
	// interface that is not there) is no error: it is a state, and is done when it can be.
	Apply(ctx context.Context, instances []VRRPInstance) error
	// Watch calls report with a snapshot, then with every change, until ctx ends or the plugin is gone.
	Watch(ctx context.Context, report func(VRRPReport)) error
	// Status says how the instances are now.
	Status(ctx context.Context) (VRRPStatus, error)
	// Command carries out what an operator asked for.
	Command(ctx context.Context, c VRRPCommand) error
}
