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

// vrrpInstance returns an instance as it is while no check counts.
func vrrpInstance(c *config.VRRPInstance) sdk.VRRPInstance {
	v := sdk.VRRPInstance{
		Name:            c.Name,
		Interface:       c.Interface,
		VirtualRouterID: c.VirtualRouterID,
		Version:         c.Version,
		Priority:        c.Priority,
		AdvertInterval:  c.AdvertInterval,
		Preempt:         c.Preempt,
		PreemptDelay:    c.PreemptDelay,
		StartupDelay:    c.StartupDelay,
		RFC5798Checksum: c.Checksum == config.RFC5798,
		DropToVIP:       !c.Accept,
		Source:          c.SourceAddress,
		MulticastGroup:  c.MulticastGroup,
		UnicastPeers:    c.UnicastPeers,
		UnicastTTL:      sdk.UnicastTTL(c.UnicastTTL),
		Addresses:       virtualAddresses(c.Addresses),
		Excluded:        virtualAddresses(c.Excluded),
		VirtualMAC:      sdk.VirtualMAC(c.VirtualMAC),
		Announcements: sdk.Announcements{
			Repeat:              c.Announcements.Repeat,
			Delay:               c.Announcements.Delay,
			Refresh:             c.Announcements.Refresh,
			RefreshRepeat:       c.Announcements.RefreshRepeat,
			LowerPriorityRepeat: c.Announcements.LowerPriorityRepeat,
			LowerPriorityDelay:  c.Announcements.LowerPriorityDelay,
			ARPInterval:         c.Announcements.ARPInterval,
			NAInterval:          c.Announcements.NAInterval,
		},
	}
	if c.Authentication != nil {
		v.Authentication = sdk.VRRPAuthentication(*c.Authentication)
	}
	for _, r := range c.Routes {
		v.Routes = append(v.Routes, sdk.VirtualRoute{
			Destination: r.Destination, Via: r.Via, Interface: r.Interface, Source: r.Source, Metric: r.Metric, Table: r.Table,
		})
	}
	return v
}

func virtualAddresses(list []config.VirtualAddress) []sdk.VirtualAddress {
	var out []sdk.VirtualAddress
	for _, a := range list {
		out = append(out, sdk.VirtualAddress{Prefix: a.Prefix, Interface: a.Interface, Label: a.Label, Scope: a.Scope, Peer: a.Peer})
	}
	return out
}

// trackedInterface returns a track block of an interface.
func trackedInterface(b config.Track) sdk.TrackedInterface {
	t := sdk.TrackedInterface{Name: b.Interface, UpDelay: b.UpDelay, DownDelay: b.DownDelay}
	if b.Weight != nil {
		t.Weight = *b.Weight
	}
	return t
}
