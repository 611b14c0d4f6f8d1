package kernel

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The functions here read the payload of an answer, behind struct genlmsghdr. They take no byte for granted: what does not
// fit is an error or is left out, never a panic.

// nested returns the value of the first attribute of the given type.
func nested(b []byte, typ uint16) (value, error) {
	if !wellFormed(b) {
		return nil, errAttr
	}
	for t, v := range attrs(b) {
		if t == typ {
			if !wellFormed(v) {
				return nil, errAttr
			}
			return v, nil
		}
	}
	return nil, fmt.Errorf("%w: attribute %d is missing", errAttr, typ)
}

func parseService(b []byte) (ServiceState, error) {
	in, err := nested(b, cmdService)
	if err != nil {
		return ServiceState{}, fmt.Errorf("read service: %w", err)
	}
	var s ServiceState
	var address value
	var mask uint32
	var wide bool
	for t, v := range attrs(in) {
		switch t {
		case svcFamily:
			s.Family = v.u16()
		case svcProtocol:
			s.Protocol = v.u16()
		case svcAddress:
			address = v
		case svcPort:
			s.Port = v.be16()
		case svcMark:
			s.Mark = v.u32()
		case svcScheduler:
			s.Scheduler = v.text()
		case svcFlags:
			s.Flags = Flags(v.u32()) &^ hashed
		case svcTimeout:
			s.Timeout = v.u32()
		case svcNetmask:
			mask = v.u32()
		case svcEngine:
			s.Engine = v.text()
		case svcStats:
			if !wide {
				s.Stats = parseStats(v)
			}
		case svcStats64:
			s.Stats, wide = parseStats(v), true
		}
	}
	s.Prefix = prefix(s.Family, mask)
	if s.Mark == 0 {
		if s.Address, err = parseAddress(address, s.Family); err != nil {
			return ServiceState{}, fmt.Errorf("read service: %w", err)
		}
	} else {
		s.Protocol, s.Port = 0, 0
	}
	return s, nil
}

// parseDestination reads a real server of a service of the given family, which kernels before 3.18 do not repeat.
func parseDestination(b []byte, family uint16) (DestinationState, error) {
	in, err := nested(b, cmdDestination)
	if err != nil {
		return DestinationState{}, fmt.Errorf("read real server: %w", err)
	}
	var d DestinationState
	var address value
	var wide bool
	for t, v := range attrs(in) {
		switch t {
		case destFamily:
			if f := v.u16(); f != 0 {
				family = f
			}
		case destAddress:
			address = v
		case destPort:
			d.Port = v.be16()
		case destForward:
			d.Forward = Forward(v.u32() & forwardMask)
		case destWeight:
			d.Weight = v.u32()
		case destUpper:
			d.Upper = v.u32()
		case destLower:
			d.Lower = v.u32()
		case destActive:
			d.Active = v.u32()
		case destInactive:
			d.Inactive = v.u32()
		case destPersistent:
			d.Persistent = v.u32()
		case destTunnelType:
			d.Tunnel.Type = v.u8()
		case destTunnelPort:
			d.Tunnel.Port = v.be16()
		case destTunnelFlags:
			d.Tunnel.Flags = v.u16()
		case destStats:
			if !wide {
				d.Stats = parseStats(v)
			}
		case destStats64:
			d.Stats, wide = parseStats(v), true
		}
	}
	if d.Forward != ForwardTunnel {
		d.Tunnel = Tunnel{}
	}
	if d.Address, err = parseAddress(address, family); err != nil {
		return DestinationState{}, fmt.Errorf("read real server: %w", err)
	}
	return d, nil
}

func parseAddress(b []byte, family uint16) (netip.Addr, error) {
	switch {
	case family == unix.AF_INET && len(b) >= 4:
		return netip.AddrFrom4([4]byte(b)), nil
	case family == unix.AF_INET6 && len(b) >= 16:
		return netip.AddrFrom16([16]byte(b)), nil
	}
	return netip.Addr{}, fmt.Errorf("address of %d bytes in family %d", len(b), family)
}

func parseStats(b []byte) (s Stats) {
	fields := [...]*uint64{
		1: &s.Connections, 2: &s.PacketsIn, 3: &s.PacketsOut, 4: &s.BytesIn, 5: &s.BytesOut,
		6: &s.ConnectionsPerSecond, 7: &s.PacketsInPerSecond, 8: &s.PacketsOutPerSecond, 9: &s.BytesInPerSecond, 10: &s.BytesOutPerSecond,
	}
	for t, v := range attrs(b) {
		if int(t) < len(fields) && t > 0 {
			*fields[t] = v.number()
		}
	}
	return s
}

func parseDaemon(b []byte) (Daemon, error) {
	in, err := nested(b, cmdDaemon)
	if err != nil {
		return Daemon{}, fmt.Errorf("read sync daemon: %w", err)
	}
	var d Daemon
	for t, v := range attrs(in) {
		switch t {
		case daemonState:
			d.Backup = v.u32() == daemonBackup
		case daemonInterface:
			d.Interface = v.text()
		case daemonID:
			d.ID = uint8(v.u32())
		case daemonMaxLength:
			d.MaxLength = v.u16()
		case daemonGroup, daemonGroup6:
			d.Group, _ = netip.AddrFromSlice(v)
		case daemonPort:
			d.Port = v.u16()
		case daemonTTL:
			d.TTL = v.u8()
		}
	}
	return d, nil
}

func parseTimeouts(b []byte) (Timeouts, error) {
	if !wellFormed(b) {
		return Timeouts{}, fmt.Errorf("read time-outs: %w", errAttr)
	}
	var c Timeouts
	for t, v := range attrs(b) {
		switch t {
		case cmdTimeoutTCP:
			c.TCP = v.u32()
		case cmdTimeoutTCPFin:
			c.TCPFin = v.u32()
		case cmdTimeoutUDP:
			c.UDP = v.u32()
		}
	}
	return c, nil
}

func parseInfo(b []byte) (Info, error) {
	if !wellFormed(b) {
		return Info{}, fmt.Errorf("read version: %w", errAttr)
	}
	var i Info
	for t, v := range attrs(b) {
		switch t {
		case infoVersion:
			n := v.u32()
			i.Version = fmt.Sprintf("%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff)
		case infoTableSize:
			i.ConnTableSize = v.u32()
		}
	}
	return i, nil
}
