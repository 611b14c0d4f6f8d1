package kernel

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Attribute types of include/uapi/linux/ip_vs.h.
const (
	cmdService       = 1
	cmdDestination   = 2
	cmdDaemon        = 3
	cmdTimeoutTCP    = 4
	cmdTimeoutTCPFin = 5
	cmdTimeoutUDP    = 6

	svcFamily    = 1
	svcProtocol  = 2
	svcAddress   = 3
	svcPort      = 4
	svcMark      = 5
	svcScheduler = 6
	svcFlags     = 7
	svcTimeout   = 8
	svcNetmask   = 9
	svcStats     = 10
	svcEngine    = 11
	svcStats64   = 12

	destAddress     = 1
	destPort        = 2
	destForward     = 3
	destWeight      = 4
	destUpper       = 5
	destLower       = 6
	destActive      = 7
	destInactive    = 8
	destPersistent  = 9
	destStats       = 10
	destFamily      = 11
	destStats64     = 12
	destTunnelType  = 13
	destTunnelPort  = 14
	destTunnelFlags = 15

	daemonState     = 1
	daemonInterface = 2
	daemonID        = 3
	daemonMaxLength = 4
	daemonGroup     = 5
	daemonGroup6    = 6
	daemonPort      = 7
	daemonTTL       = 8

	infoVersion   = 1
	infoTableSize = 2
)

const (
	genlVersion = 1

	daemonMaster = 1
	daemonBackup = 2
)

// appendMessage appends an operation as one netlink message of the given family, sequence number and flags beside
// NLM_F_REQUEST. The port id is left to the kernel.
func appendMessage(b []byte, o Op, family uint16, seq uint32, flags uint16) []byte {
	start := len(b)
	b = appendHeader(b, o.Command, family, seq, flags)
	switch o.Command {
	case NewService, SetService:
		b = appendService(b, o.Service)
	case DelService:
		b = appendServiceKey(b, o.Service.ServiceKey)
	case NewDestination, SetDestination:
		b = appendServiceKey(b, o.Service.ServiceKey)
		b = appendDestination(b, o.Destination)
	case DelDestination:
		b = appendServiceKey(b, o.Service.ServiceKey)
		b = appendDestinationKey(b, o.Destination.DestinationKey)
	case NewDaemon, DelDaemon:
		b = appendDaemon(b, o.Daemon, o.Command == NewDaemon)
	case SetConfig:
		// The kernel takes 0 for "as it is" (ip_vs_set_timeout).
		b = appendU32(b, cmdTimeoutTCP, o.Timeouts.TCP)
		b = appendU32(b, cmdTimeoutTCPFin, o.Timeouts.TCPFin)
		b = appendU32(b, cmdTimeoutUDP, o.Timeouts.UDP)
	case Zero:
		if o.Service.ServiceKey != (ServiceKey{}) {
			b = appendServiceKey(b, o.Service.ServiceKey)
		}
	}
	return endMessage(b, start)
}

// appendHeader appends struct nlmsghdr and struct genlmsghdr; endMessage fills in the length.
func appendHeader(b []byte, c Command, family uint16, seq uint32, flags uint16) []byte {
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = binary.NativeEndian.AppendUint16(b, family)
	b = binary.NativeEndian.AppendUint16(b, flags|unix.NLM_F_REQUEST)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	return append(b, uint8(c), genlVersion, 0, 0)
}

func endMessage(b []byte, start int) []byte {
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

func appendServiceKey(b []byte, k ServiceKey) []byte {
	start := len(b)
	return closeNest(appendKeyAttrs(openNest(b, cmdService), k), start)
}

func appendKeyAttrs(b []byte, k ServiceKey) []byte {
	b = appendU16(b, svcFamily, k.Family)
	if k.Mark != 0 {
		return appendU32(b, svcMark, k.Mark)
	}
	b = appendU16(b, svcProtocol, k.Protocol)
	b = appendAddress(b, svcAddress, k.Address)
	return appendBE16(b, svcPort, k.Port)
}

func appendService(b []byte, s Service) []byte {
	start := len(b)
	b = appendKeyAttrs(openNest(b, cmdService), s.ServiceKey)
	b = appendString(b, svcScheduler, s.Scheduler)
	// struct ip_vs_flags: the flags, and which of them are meant. All: what is not said is to be off.
	f := binary.NativeEndian.AppendUint32(nil, uint32(s.Flags))
	b = appendAttr(b, svcFlags, binary.NativeEndian.AppendUint32(f, ^uint32(0)))
	b = appendU32(b, svcTimeout, s.Timeout)
	b = appendU32(b, svcNetmask, netmask(s))
	if s.Engine != "" {
		b = appendString(b, svcEngine, s.Engine)
	}
	return closeNest(b, start)
}

// netmask returns the prefix as the kernel has it: for IPv4 a mask in network byte order, for IPv6 the number of bits.
func netmask(s Service) uint32 {
	if s.Family == unix.AF_INET6 {
		return uint32(s.Prefix)
	}
	var m [4]byte
	binary.BigEndian.PutUint32(m[:], ^uint32(0)<<(32-min(s.Prefix, 32)))
	return binary.NativeEndian.Uint32(m[:])
}

// prefix is the opposite of netmask.
func prefix(family uint16, mask uint32) uint8 {
	if family == unix.AF_INET6 {
		return uint8(min(mask, NoPrefix))
	}
	var m [4]byte
	binary.NativeEndian.PutUint32(m[:], mask)
	n := binary.BigEndian.Uint32(m[:])
	ones := bits.LeadingZeros32(^n)
	if n != ^uint32(0)<<(32-ones) {
		return NoPrefix
	}
	return uint8(ones)
}

func appendDestination(b []byte, d Destination) []byte {
	start := len(b)
	b = appendDestinationAttrs(openNest(b, cmdDestination), d.DestinationKey)
	b = appendU32(b, destForward, uint32(d.Forward)&forwardMask)
	b = appendU32(b, destWeight, d.Weight)
	b = appendU32(b, destUpper, d.Upper)
	b = appendU32(b, destLower, d.Lower)
	if d.Forward == ForwardTunnel && d.Tunnel != (Tunnel{}) {
		b = appendU8(b, destTunnelType, d.Tunnel.Type)
		b = appendBE16(b, destTunnelPort, d.Tunnel.Port)
		b = appendU16(b, destTunnelFlags, d.Tunnel.Flags)
	}
	return closeNest(b, start)
}

func appendDestinationKey(b []byte, k DestinationKey) []byte {
	start := len(b)
	return closeNest(appendDestinationAttrs(openNest(b, cmdDestination), k), start)
}

// appendDestinationAttrs always says the family: without it the kernel takes the service's, also when it is to remove
// a real server of the other one.
func appendDestinationAttrs(b []byte, k DestinationKey) []byte {
	b = appendU16(b, destFamily, FamilyOf(k.Address))
	b = appendAddress(b, destAddress, k.Address)
	return appendBE16(b, destPort, k.Port)
}

// FamilyOf returns unix.AF_INET6 or unix.AF_INET.
func FamilyOf(a netip.Addr) uint16 {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// appendAddress appends a union nf_inet_addr: 16 bytes, of which IPv4 uses the first four.
func appendAddress(b []byte, typ uint16, a netip.Addr) []byte {
	var u [16]byte
	copy(u[:], a.AsSlice())
	return appendAttr(b, typ, u[:])
}

func appendDaemon(b []byte, d Daemon, whole bool) []byte {
	start := len(b)
	b = openNest(b, cmdDaemon)
	state := uint32(daemonMaster)
	if d.Backup {
		state = daemonBackup
	}
	b = appendU32(b, daemonState, state)
	if !whole {
		return closeNest(b, start)
	}
	b = appendString(b, daemonInterface, d.Interface)
	b = appendU32(b, daemonID, uint32(d.ID))
	if d.MaxLength != 0 {
		b = appendU16(b, daemonMaxLength, d.MaxLength)
	}
	switch {
	case d.Group.Is4():
		b = appendAttr(b, daemonGroup, d.Group.AsSlice())
	case d.Group.Is6():
		b = appendAttr(b, daemonGroup6, d.Group.AsSlice())
	}
	if d.Port != 0 {
		b = appendU16(b, daemonPort, d.Port)
	}
	if d.TTL != 0 {
		b = appendU8(b, daemonTTL, d.TTL)
	}
	return closeNest(b, start)
}
