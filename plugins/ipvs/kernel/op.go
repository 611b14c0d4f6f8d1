package kernel

import (
	"fmt"

	moby "github.com/moby/ipvs"
)

// A Command is what an operation does (IPVS_CMD_… in include/uapi/linux/ip_vs.h).
type Command uint8

// The commands that change the table.
const (
	NewService     Command = 1
	SetService     Command = 2
	DelService     Command = 3
	NewDestination Command = 5
	SetDestination Command = 6
	DelDestination Command = 7
	NewDaemon      Command = 9
	DelDaemon      Command = 10
	SetConfig      Command = 12
	Zero           Command = 16
	Flush          Command = 17
)

// The commands that read it.
const (
	getService     Command = 4
	getDestination Command = 8
	getDaemon      Command = 11
	getConfig      Command = 13
	getInfo        Command = 15
)

// An Op is a change of the table, one message to the kernel.
type Op struct {
	Command     Command
	Service     Service     // NewService, SetService; of the others only its key counts. Zero without key: every service
	Destination Destination // NewDestination, SetDestination; with DelDestination only its key counts
	Daemon      Daemon      // NewDaemon; with DelDaemon only its side counts
	Timeouts    Timeouts    // SetConfig
}

// String says what the operation does to what: "add real server 10.0.0.1:80 of tcp 192.0.2.1:80".
func (o Op) String() string {
	switch o.Command {
	case NewService:
		return fmt.Sprintf("add service %s", o.Service.ServiceKey)
	case SetService:
		return fmt.Sprintf("change service %s", o.Service.ServiceKey)
	case DelService:
		return fmt.Sprintf("remove service %s", o.Service.ServiceKey)
	case NewDestination:
		return fmt.Sprintf("add real server %s of %s", o.Destination.DestinationKey, o.Service.ServiceKey)
	case SetDestination:
		return fmt.Sprintf("change real server %s of %s", o.Destination.DestinationKey, o.Service.ServiceKey)
	case DelDestination:
		return fmt.Sprintf("remove real server %s of %s", o.Destination.DestinationKey, o.Service.ServiceKey)
	case NewDaemon:
		return fmt.Sprintf("start sync daemon (%s)", o.Daemon.side())
	case DelDaemon:
		return fmt.Sprintf("stop sync daemon (%s)", o.Daemon.side())
	case SetConfig:
		return "set time-outs"
	case Zero:
		if o.Service.ServiceKey == (ServiceKey{}) {
			return "zero all counters"
		}
		return fmt.Sprintf("zero counters of %s", o.Service.ServiceKey)
	case Flush:
		return "remove all services"
	}
	return fmt.Sprintf("command %d", uint8(o.Command))
}

func (d Daemon) side() string {
	if d.Backup {
		return "backup"
	}
	return "master"
}

// Forward is how packets reach a real server.
type Forward uint32

// The forwarding methods. The kernel may report ForwardLocal and ForwardBypass, which nobody here asks for.
const (
	ForwardMasq   Forward = moby.ConnFwdMasq
	ForwardLocal  Forward = moby.ConnFwdLocalNode
	ForwardTunnel Forward = moby.ConnFwdTunnel
	ForwardDirect Forward = moby.ConnFwdDirectRoute
	ForwardBypass Forward = moby.ConnFwdBypass

	forwardMask = moby.ConnFwdMask
)

// String returns the method by its name in evenkeel's language, as far as that has one.
func (f Forward) String() string {
	switch f {
	case ForwardMasq:
		return "nat"
	case ForwardLocal:
		return "local"
	case ForwardTunnel:
		return "tun"
	case ForwardDirect:
		return "dr"
	case ForwardBypass:
		return "bypass"
	}
	return fmt.Sprintf("method %d", uint32(f))
}

// Schedulers are those of the kernel's tree (net/netfilter/ipvs/Kconfig). Which of them a kernel has is known only when
// a service asks for one.
func Schedulers() []string {
	return []string{
		moby.RoundRobin, moby.WeightedRoundRobin, moby.LeastConnection, moby.WeightedLeastConnection,
		moby.SourceHashing, moby.DestinationHashing, "mh", "fo", "ovf", "lblc", "lblcr", "sed", "nq", "twos",
	}
}
