package director

import (
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// This file says in the contract's words what the configuration says in the language's.

// serviceKey returns the name that the kernel has for a virtual server. The family is part of a mark's key alone: an
// address has its own.
func serviceKey(a config.ServiceAddress) sdk.ServiceKey {
	if a.Mark != 0 {
		return sdk.ServiceKey{Mark: a.Mark, IPv6: a.IPv6}
	}
	return sdk.ServiceKey{Protocol: sdk.Protocol(a.Protocol), Address: a.Address, Port: a.Port}
}

// service returns a virtual server without its destinations.
func service(c *config.VirtualServer) sdk.Service {
	s := sdk.Service{
		Key:       serviceKey(c.Service),
		Name:      c.Name,
		Scheduler: c.Scheduler,
		Flags:     c.Flags,
		OnePacket: c.OnePacket,
	}
	if c.Persistence != nil {
		s.Persistence = sdk.Persistence(*c.Persistence)
	}
	for _, m := range c.Service.Match {
		match := sdk.Match{Address: m.Address, Protocol: sdk.Protocol(m.Protocol)}
		for _, r := range m.Ports {
			match.Ports = append(match.Ports, sdk.PortRange(r))
		}
		s.Match = append(s.Match, match)
	}
	return s
}

// destination returns a real server as it is when it is up.
func destination(c *config.RealServer) sdk.Destination {
	return sdk.Destination{
		Address:        c.Address,
		Port:           c.Port,
		Forward:        sdk.Forward(c.Forward),
		Weight:         c.Weight,
		UpperThreshold: c.MaxConnections,
		LowerThreshold: c.MinConnections,
		Tunnel:         sdk.Tunnel(c.Tunnel),
	}
}

// sorryDestination returns a sorry server as it is when it is in.
func sorryDestination(c *config.SorryServer) sdk.Destination {
	return sdk.Destination{
		Address: c.Address,
		Port:    c.Port,
		Forward: sdk.Forward(c.Forward),
		Weight:  1,
		Tunnel:  sdk.Tunnel(c.Tunnel),
	}
}

// syncDaemons returns both sides of each sync block. One that follows a vrrp_instance has the side that the instance's
// state asks for, and while that is unknown, none.
func syncDaemons(blocks []config.Sync) []sdk.SyncDaemon {
	var daemons []sdk.SyncDaemon
	for _, b := range blocks {
		if b.Follow != "" {
			continue
		}
		for _, backup := range []bool{false, true} {
			daemons = append(daemons, sdk.SyncDaemon{
				Backup:    backup,
				Interface: b.Interface,
				ID:        b.ID,
				Group:     b.Group,
				Port:      b.Port,
				TTL:       b.TTL,
				MaxLength: b.MaxLength,
			})
		}
	}
	return daemons
}
