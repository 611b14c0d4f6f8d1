// Package config is the typed configuration of evenkeel: what a .hcl file says, after references are resolved, defaults
// filled in and the rules of the field checked. Values of this package are made by package load and not changed afterwards.
//
// The language itself is described in docs/configuration.md; names here are the language's own, in Go's spelling.
package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// A Config is a whole configuration. Blocks are in the order of the files.
type Config struct {
	Director       Director
	VRRPInstances  []*VRRPInstance
	SyncGroups     []*SyncGroup
	IPVS           IPVS
	VirtualServers []*VirtualServer
	Checks         []*Check // those with a name of their own; a real server's are with the real server
	Notifies       []*Notify
	Provisions     []*Provision
	Plugins        []*Plugin
	Appliance      *Appliance // nil: not written
}

// A Position is where in the files something was written, for messages.
type Position struct {
	File         string
	Line, Column int
}

// String returns "file:line,column", as HCL's diagnostics write it.
func (p Position) String() string { return fmt.Sprintf("%s:%d,%d", p.File, p.Line, p.Column) }

// A Director is the director block.
type Director struct {
	Name  string // default: the host's name
	Brake Brake
}

// A Brake is a brake block: what is done when very many targets go down at once. Its zero value does nothing.
type Brake struct {
	Action  BrakeAction
	Share   int           // percent of the targets that were up
	Minimum int           // and so many of them at least
	Within  time.Duration // of one another
	Limit   time.Duration // the longest time that it holds
}

// A BrakeAction is what a brake does.
type BrakeAction string

// The actions. Hold keeps real servers as they were, act says that they fall and lets them.
const (
	BrakeOff  BrakeAction = "" // "off"
	BrakeHold BrakeAction = "hold"
	BrakeAct  BrakeAction = "act"
)

// A VirtualServer is a virtual_server block: a service that clients see, and the real servers behind it.
type VirtualServer struct {
	Name        string
	Position    Position
	Service     ServiceAddress
	Scheduler   string   // default "wlc", as ipvsadm's
	Flags       []string // scheduler flags: "sh-fallback", "mh-port" … with the fallback that weight 0 implies
	OnePacket   bool
	Persistence *Persistence // nil: none
	Quorum      uint64       // weight; default 1
	Hysteresis  uint64       // weight; below Quorum
	OnFailure   OnFailure
	StartState  StartState
	RealServers []*RealServer
	SorryServer *SorryServer // nil: none
	SorryPage   *SorryPage   // nil: none

	// ChecksFollow is a vrrp_instance's name: the checks run only while the instance is master here. "": they always run.
	ChecksFollow string
}

// A ServiceAddress is how packets of a virtual server are known. Exactly one of Address, Mark and Match is used; with
// Match, Mark is set too, to a mark that load has chosen and that stays the same as long as the virtual server's name does.
type ServiceAddress struct {
	Address  netip.Addr // of address = "192.0.2.1:80"
	Port     uint16     // 0: every port, only with persistence
	Protocol string     // "tcp", "udp", "sctp"; "" with Mark
	Mark     uint32     // of fwmark = 99, or chosen for Match
	IPv6     bool       // the family, also of a mark's service
	Match    []Match
}

// A Match is a match block: packets that get the virtual server's mark.
type Match struct {
	Address  netip.Addr
	Protocol string
	Ports    []PortRange // none: every port
}

// A PortRange is "80" or "8000-8099", both ends included.
type PortRange struct{ First, Last uint16 }

// Persistence is a persistence block.
type Persistence struct {
	Timeout time.Duration // default 360 s, whole seconds
	Prefix  int           // from netmask = "255.255.255.0" or "64"; 0: every bit of the address
	Engine  string        // "" or "sip"
}

// OnFailure is what happens to a real server that is down.
type OnFailure string

// The values of on_failure: taken out of the table, or left with weight 0 so that open connections may end.
const (
	Remove  OnFailure = "remove"
	Quiesce OnFailure = "quiesce"
)

// StartState is what a real server is taken for until the first verdict.
type StartState string

// The values of start_state. Down, the default, gives no traffic before the first good check.
const (
	StartDown StartState = "down"
	StartUp   StartState = "up"
)

// A RealServer is a real_server block.
type RealServer struct {
	Name           string // the block's label, as written: "192.168.12.246:80"
	Position       Position
	Address        netip.Addr
	Port           uint16 // the service's own when it was not written
	Forward        Forward
	Tunnel         Tunnel
	Weight         uint32        // default 1
	SlowStart      time.Duration // a server that comes back climbs to its weight for so long; 0: it has it at once
	MaxConnections uint32        // 0: no bound
	MinConnections uint32
	Checks         []*Check // the virtual server's and its own
}

// Forward is a forwarding method: "nat", "dr", "tun" or "fullnat".
type Forward string

// The forwarding methods.
const (
	NAT     Forward = "nat"
	DR      Forward = "dr"
	TUN     Forward = "tun"
	FullNAT Forward = "fullnat"
)

// A Tunnel is a tunnel block, for forward = "tun". The zero value is IP in IP.
type Tunnel struct {
	Type     string // "", "ipip", "gue" or "gre"
	Port     uint16 // UDP port of gue
	Checksum string // "", "csum" or "remcsum"
}

// A SorryServer is a sorry_server block: where clients go while the quorum is lost.
type SorryServer struct {
	Position Position
	Address  netip.Addr
	Port     uint16
	Forward  Forward
	Tunnel   Tunnel
}

// A SorryPage is a sorry_page block: the director itself answers while the quorum is lost.
type SorryPage struct {
	Position Position
	Status   int // HTTP status, default 503
	File     string
}

// A Check is a check block, named or of a real server.
type Check struct {
	Type          string // "http"
	Name          string // of a named check; "" otherwise
	Position      Position
	Address       netip.Addr // where to probe when it is not the real server's own; the zero Addr otherwise
	Port          uint16     // likewise; 0 otherwise
	Interval      time.Duration
	Timeout       time.Duration
	RetryInterval time.Duration // 0: Interval
	Fall, Rise    int
	Spread        time.Duration // 0: the default, a fast start
	Egress        Egress
	Via           bool            // of a real server's: Address is the virtual server's, to be asked by way of that one server
	Config        json.RawMessage // the type's own attributes, as its schema has them, defaults filled in
	Weighs        bool            // its type may say what part of its weight a real server gets
}

// An Egress is how the probes of a check leave the director: source, interface and mark. Its zero value leaves that to the
// routing table.
type Egress struct {
	Source    netip.Addr
	Interface string
	Mark      uint32
}

// IPVS is the ipvs block.
type IPVS struct {
	Sync     []Sync
	Timeouts Timeouts
}

// A Sync is a sync block: connection synchronisation.
type Sync struct {
	Position  Position
	Interface string
	ID        uint8
	Follow    string // a vrrp_instance's name; "": both sides run
	Group     netip.Addr
	Port      uint16
	TTL       uint8
	MaxLength uint16
}

// Timeouts is a timeouts block; zero leaves the kernel's.
type Timeouts struct{ TCP, TCPFin, UDP time.Duration }

// A Notify is a notify block.
type Notify struct {
	Type     string
	Name     string
	Position Position
	On       []string // event kinds: "vrrp_instance", "vrrp_instance.master" …
	Only     []string // blocks as they are referred to: "check.script.nginx", "virtual_server.web"; none: every one
	Config   json.RawMessage
}

// A Provision is a provision block.
type Provision struct {
	Type           string
	Name           string
	Position       Position
	VirtualServers []*VirtualServer
	Config         json.RawMessage
}

// A Plugin is a plugin block: a type that somebody else wrote.
type Plugin struct {
	Kind     string // "check", "notify" or "provision"
	Name     string
	Position Position
	Path     string
	SHA256   string // 64 hexadecimal digits
}
