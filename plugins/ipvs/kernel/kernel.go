package kernel

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A Kernel holds an IPVS table. Its methods may be called from several goroutines.
type Kernel interface {
	// Info returns IPVS's version and the size of its connection table.
	Info() (Info, error)
	// Services returns every service, in no particular order.
	Services() ([]ServiceState, error)
	// Destinations returns the real servers of a service; none when there is no such service.
	Destinations(ServiceKey) ([]DestinationState, error)
	// Timeouts returns the idle time-outs of connections.
	Timeouts() (Timeouts, error)
	// Daemons returns the connection synchronisation daemons that run, at most one of each side.
	Daemons() ([]Daemon, error)
	// Do carries out the operations in order. The first result has the errno with which the kernel refused ops[i], or
	// nil; what is refused does not stop the rest. The second is an error of the exchange itself, after which the
	// outcome of every operation is unknown.
	Do(ops []Op) ([]error, error)
	// Close ends the connection to the kernel; the table stays.
	Close() error
}

// Info says what IPVS it is.
type Info struct {
	Version       string // "1.2.1"
	ConnTableSize uint32 // buckets
}

// A ServiceKey is what the kernel tells services apart by. It is comparable.
type ServiceKey struct {
	Family   uint16     // unix.AF_INET or unix.AF_INET6
	Protocol uint16     // unix.IPPROTO_TCP …; 0 with a mark
	Address  netip.Addr // the zero Addr with a mark
	Port     uint16     // 0: every port
	Mark     uint32     // firewall mark; 0: none
}

// String returns the key as ipvsadm names it: "tcp 192.0.2.1:80", "fwmark 99", "fwmark 99 (IPv6)".
func (k ServiceKey) String() string {
	switch {
	case k.Mark != 0 && k.Family == unix.AF_INET6:
		return fmt.Sprintf("fwmark %d (IPv6)", k.Mark)
	case k.Mark != 0:
		return fmt.Sprintf("fwmark %d", k.Mark)
	}
	name := map[uint16]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_SCTP: "sctp"}[k.Protocol]
	if name == "" {
		name = fmt.Sprintf("protocol %d", k.Protocol)
	}
	return fmt.Sprintf("%s %s", name, netip.AddrPortFrom(k.Address, k.Port))
}

// Flags of a service (include/uapi/linux/ip_vs.h). The kernel's own IP_VS_SVC_F_HASHED is not among them: this package
// takes it away when it reads.
type Flags uint32

// The flags. What the three scheduler flags mean depends on the scheduler.
const (
	Persistent Flags = 0x01
	OnePacket  Flags = 0x04
	Sched1     Flags = 0x08 // sh-fallback, mh-fallback
	Sched2     Flags = 0x10 // sh-port, mh-port
	Sched3     Flags = 0x20

	hashed Flags = 0x02
)

// A Service is a virtual service. It is comparable.
type Service struct {
	ServiceKey
	Scheduler string
	Flags     Flags
	Timeout   uint32 // seconds of persistence; meaningful with Persistent
	Prefix    uint8  // address bits by which persistence knows a client; NoPrefix: a netmask that is none
	Engine    string // persistence engine, "" or "sip"
}

// NoPrefix stands for a netmask with holes, as ipvsadm -M 255.0.255.0 makes one.
const NoPrefix = 255

// FullPrefix returns the number of bits in an address of the service's family.
func (k ServiceKey) FullPrefix() uint8 {
	if k.Family == unix.AF_INET6 {
		return 128
	}
	return 32
}

// A DestinationKey names a real server within its service.
type DestinationKey struct {
	Address netip.Addr
	Port    uint16
}

// String returns "address:port".
func (k DestinationKey) String() string { return netip.AddrPortFrom(k.Address, k.Port).String() }

// A Destination is a real server. It is comparable.
type Destination struct {
	DestinationKey
	Forward Forward
	Weight  uint32 // the kernel refuses more than 2^31-1
	Upper   uint32 // connections; 0: no bound
	Lower   uint32 // connections; 0: three quarters of Upper
	Tunnel  Tunnel // with ForwardTunnel
}

// A Tunnel is the encapsulation of ForwardTunnel.
type Tunnel struct {
	Type  uint8 // TunnelIPIP, TunnelGUE or TunnelGRE
	Port  uint16
	Flags uint16 // TunnelChecksum or TunnelRemoteChecksum
}

// Types and flags of tunnels (IP_VS_CONN_F_TUNNEL_TYPE_… and IP_VS_TUNNEL_ENCAP_FLAG_… in ip_vs.h).
const (
	TunnelIPIP uint8 = 0
	TunnelGUE  uint8 = 1
	TunnelGRE  uint8 = 2

	TunnelChecksum       uint16 = 1
	TunnelRemoteChecksum uint16 = 2
)

// Timeouts are idle time-outs in seconds. In a SetConfig operation, 0 leaves the kernel's own.
type Timeouts struct{ TCP, TCPFin, UDP uint32 }

// A Daemon is one side of connection synchronisation.
type Daemon struct {
	Backup    bool // receive; false: send
	Interface string
	ID        uint8
	Group     netip.Addr // the zero Addr in a NewDaemon operation: 224.0.0.81
	Port      uint16     // 0 likewise: 8848
	TTL       uint8      // 0 likewise: 1
	MaxLength uint16     // 0 likewise: from the interface's MTU
}

// Stats are counters and rates of a service or real server, 64 bits where the kernel has them (4.1 and later).
type Stats struct {
	Connections, PacketsIn, PacketsOut, BytesIn, BytesOut                                              uint64
	ConnectionsPerSecond, PacketsInPerSecond, PacketsOutPerSecond, BytesInPerSecond, BytesOutPerSecond uint64
}

// A ServiceState is a service as the kernel reports it.
type ServiceState struct {
	Service
	Stats Stats
}

// A DestinationState is a real server as the kernel reports it.
type DestinationState struct {
	Destination
	Active, Inactive, Persistent uint32 // connections
	Stats                        Stats
}
