package sdk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// A Table is all that a balancer should hold.
type Table struct {
	Services []Service
	Timeouts Timeouts
	Sync     []SyncDaemon
}

// A Protocol is a transport protocol by its name.
type Protocol string

// The protocols that IPVS balances.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	SCTP Protocol = "sctp"
)

// A ServiceKey names a virtual service as the kernel does: by protocol, address and port, or by firewall mark and family.
type ServiceKey struct {
	Protocol Protocol   // "" with a mark
	Address  netip.Addr // the zero Addr with a mark
	Port     uint16     // 0: all ports, needs persistence
	Mark     uint32     // 0: none
	IPv6     bool       // the family of a mark's service; otherwise that of Address
}

// String returns the key as ipvsadm would name it: "tcp 192.0.2.1:80", "fwmark 99".
func (k ServiceKey) String() string {
	if k.Mark != 0 {
		if k.IPv6 {
			return fmt.Sprintf("fwmark %d (IPv6)", k.Mark)
		}
		return fmt.Sprintf("fwmark %d", k.Mark)
	}
	return fmt.Sprintf("%s %s", k.Protocol, netip.AddrPortFrom(k.Address, k.Port))
}

// Is6 says whether the service is an IPv6 one.
func (k ServiceKey) Is6() bool { return k.Address.Is6() || k.Mark != 0 && k.IPv6 }

// A Service is a virtual service and the real servers behind it, in IPVS's words.
type Service struct {
	Key          ServiceKey
	Name         string   // the virtual server's name in the configuration, for logs
	Scheduler    string   // as in ipvsadm -s: "wrr", "sh" …
	Flags        []string // as in ipvsadm -b: "sh-fallback", "sh-port", "mh-fallback", "mh-port", "flag-1" …
	OnePacket    bool     // a scheduling decision per packet; UDP and fwmark only
	Persistence  Persistence
	Match        []Match // with a Mark: the packets that the plugin itself must mark with it
	Probe        bool    // with a Mark: of the director's own probes, whose answers have the virtual address as their source
	Destinations []Destination
}

// Persistence sends a client to the real server that it had before. The zero value means none.
type Persistence struct {
	Timeout time.Duration // whole seconds
	Prefix  int           // clients that share this many address bits count as one; 0: every bit
	Engine  string        // "" or "sip"
}

// A Match describes packets to be marked: those to an address, protocol and one of the ports.
type Match struct {
	Address  netip.Addr
	Protocol Protocol
	Ports    []PortRange // none: every port
}

// A PortRange is a range of ports, both ends included.
type PortRange struct{ First, Last uint16 }

// String returns "80" or "8000-8099".
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// A Forward is how packets reach a real server.
type Forward string

// The forwarding methods. FullNAT is NAT with the source rewritten too, by an nftables masquerade.
const (
	NAT     Forward = "nat"
	DR      Forward = "dr"
	TUN     Forward = "tun"
	FullNAT Forward = "fullnat"
)

// A Destination is a real server of a service.
type Destination struct {
	Address        netip.Addr
	Port           uint16
	Forward        Forward
	Weight         uint32 // 0 to 2^31-1; 0: no new connections
	UpperThreshold uint32 // connections above which it gets no new ones; 0: no bound
	LowerThreshold uint32 // connections below which it gets new ones again; 0: three quarters of the upper (ipvsadm(8))
	Tunnel         Tunnel // only with TUN
}

// A Tunnel is the encapsulation of forwarding by tunnel. The zero value is IP in IP.
type Tunnel struct {
	Type     string // "ipip", "gue" or "gre"; "": ipip
	Port     uint16 // UDP port of gue
	Checksum string // "", "csum" or "remcsum" (gue and gre; ipvsadm --tun-csum, --tun-remcsum)
}

// A DestinationKey names a real server within its service.
type DestinationKey struct {
	Service ServiceKey
	Address netip.Addr
	Port    uint16
}

// Timeouts are the kernel's idle time-outs of connections, in whole seconds. Zero leaves the kernel's own.
type Timeouts struct{ TCP, TCPFin, UDP time.Duration }

// A SyncDaemon is one side of IPVS's connection synchronisation.
type SyncDaemon struct {
	Backup    bool // receive; false: send
	Interface string
	ID        uint8
	Group     netip.Addr // the zero Addr: 224.0.0.81
	Port      uint16     // 0: 8848
	TTL       uint8      // 0: 1
	MaxLength uint16     // 0: from the interface's MTU
}

// A TableUpdate brings a balancer from one generation of the table to the next. A full one has the whole table; the
// others name what changed since Base, and a balancer that holds another generation refuses them with ErrNeedFull.
type TableUpdate struct {
	Generation uint64
	Base       uint64 // unless Full
	Full       bool
	Table      Table               // with Full: everything; otherwise only Services, added or changed as a whole
	Removed    []ServiceKey        // unless Full
	Changed    []DestinationUpdate // real servers added or changed in a service that is otherwise as it was
	Gone       []DestinationKey    // real servers removed from such a service
}

// A DestinationUpdate is a real server to be added or changed.
type DestinationUpdate struct {
	Service     ServiceKey
	Destination Destination
}

// ErrNeedFull is a balancer's answer to an update that does not build on what it holds: send a full one.
var ErrNeedFull = errors.New("the update builds on a table that is not here; a full one is needed")

// An ApplyResult says what an update did.
type ApplyResult struct {
	Writes   int       // messages that changed the kernel, or in a dry run would have
	Failures []Failure // what the kernel refused; the rest is in place
}

// A Failure is an object that could not be made as desired.
type Failure struct {
	Service     ServiceKey
	Destination string // "address:port" of the real server, or "" when it is the service itself
	Operation   string // "add service", "change weight" …
	Error       string
}

// Observed is what the kernel holds, at one moment.
type Observed struct {
	Services    []ObservedService
	Timeouts    Timeouts
	Sync        []SyncDaemon
	Version     string // of IPVS, "1.2.1"
	Connections uint32 // buckets of the connection table
	DryRun      bool
	Differences []string // in a dry run: what the kernel lacks, has too much or otherwise, one line each
}

// An ObservedService is a service of the kernel with its counters.
type ObservedService struct {
	Service      // without Destinations
	Stats        Stats
	Destinations []ObservedDestination
}

// An ObservedDestination is a real server of the kernel with its counters.
type ObservedDestination struct {
	Destination
	Active, Inactive, Persistent uint32 // connections now
	Stats                        Stats
}

// Stats are IPVS's counters since the object was made, and rates of the last seconds.
type Stats struct {
	Connections, PacketsIn, PacketsOut, BytesIn, BytesOut                                              uint64
	ConnectionsPerSecond, PacketsInPerSecond, PacketsOutPerSecond, BytesInPerSecond, BytesOutPerSecond uint64
}

// A BalancerReport is something that a balancer found or did by itself: drift repaired, a table that it can't read.
type BalancerReport struct {
	Time    time.Time
	Drift   []string  // differences to the desired table, found and repaired, one line each
	Failure []Failure // and what could not be repaired
}

// A Balancer is a balancer plugin as the core sees it.
type Balancer interface {
	// Apply makes the kernel hold the updated table, writing only the difference. An error means that nothing is
	// known about the outcome; objects that the kernel refused are in the result.
	Apply(ctx context.Context, u TableUpdate) (ApplyResult, error)
	// Read returns what the kernel holds now.
	Read(ctx context.Context) (Observed, error)
	// Watch calls report for what the balancer does of its own accord, until ctx ends or the plugin is gone.
	Watch(ctx context.Context, report func(BalancerReport)) error
}
