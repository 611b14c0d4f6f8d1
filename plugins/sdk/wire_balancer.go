package sdk

import (
	"fmt"
	"net/netip"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

func serviceKeyOut(k ServiceKey) *pluginv1.ServiceKey {
	return &pluginv1.ServiceKey{
		Protocol: string(k.Protocol),
		Address:  addrOut(k.Address),
		Port:     uint32(k.Port),
		Mark:     k.Mark,
		Ipv6:     k.IPv6,
	}
}

func serviceKeyIn(m *pluginv1.ServiceKey) (k ServiceKey, err error) {
	k = ServiceKey{Mark: m.GetMark(), IPv6: m.GetIpv6()}
	if k.Protocol, err = protocolIn(m.GetProtocol()); err != nil {
		return k, err
	}
	if k.Address, err = addrIn(m.GetAddress()); err != nil {
		return k, err
	}
	if k.Mark == 0 && !k.Address.IsValid() {
		return k, fmt.Errorf("reading a service: it has neither address nor firewall mark")
	}
	k.Port, err = fit[uint16]("port", m.GetPort())
	return k, err
}

func protocolIn(s string) (Protocol, error) {
	switch p := Protocol(s); p {
	case "", TCP, UDP, SCTP:
		return p, nil
	}
	return "", fmt.Errorf("reading protocol %q: not tcp, udp or sctp", clip(s))
}

func serviceOut(s Service) *pluginv1.Service {
	return &pluginv1.Service{
		Key:                serviceKeyOut(s.Key),
		Name:               text(s.Name),
		Scheduler:          s.Scheduler,
		Flags:              s.Flags,
		OnePacket:          s.OnePacket,
		Probe:              s.Probe,
		PersistenceTimeout: durationOut(s.Persistence.Timeout),
		PersistencePrefix:  countOut(s.Persistence.Prefix),
		PersistenceEngine:  s.Persistence.Engine,
		Match:              each(s.Match, matchOut),
		Destinations:       each(s.Destinations, destinationOut),
	}
}

func serviceIn(m *pluginv1.Service) (s Service, err error) {
	s = Service{Name: m.GetName(), Scheduler: m.GetScheduler(), Flags: m.GetFlags(), OnePacket: m.GetOnePacket(), Probe: m.GetProbe()}
	if s.Key, err = serviceKeyIn(m.GetKey()); err != nil {
		return s, err
	}
	if s.Persistence, err = persistenceIn(m); err != nil {
		return s, fmt.Errorf("service %s: %w", s.Key, err)
	}
	if s.Match, err = eachIn(m.GetMatch(), matchIn); err != nil {
		return s, fmt.Errorf("service %s: %w", s.Key, err)
	}
	if s.Destinations, err = eachIn(m.GetDestinations(), destinationIn); err != nil {
		return s, fmt.Errorf("service %s: %w", s.Key, err)
	}
	return s, nil
}

func persistenceIn(m *pluginv1.Service) (p Persistence, err error) {
	if p.Timeout, err = durationIn("persistence timeout", m.GetPersistenceTimeout()); err != nil {
		return p, err
	}
	if m.GetPersistencePrefix() > 128 {
		return p, fmt.Errorf("reading persistence prefix %d: at most 128", m.GetPersistencePrefix())
	}
	p.Prefix, p.Engine = int(m.GetPersistencePrefix()), m.GetPersistenceEngine()
	return p, nil
}

func matchOut(x Match) *pluginv1.Match {
	return &pluginv1.Match{
		Address:  addrOut(x.Address),
		Protocol: string(x.Protocol),
		Ports: each(x.Ports, func(r PortRange) *pluginv1.PortRange {
			return &pluginv1.PortRange{First: uint32(r.First), Last: uint32(r.Last)}
		}),
	}
}

func matchIn(m *pluginv1.Match) (x Match, err error) {
	if x.Address, err = addrIn(m.GetAddress()); err != nil {
		return x, err
	}
	if x.Protocol, err = protocolIn(m.GetProtocol()); err != nil {
		return x, err
	}
	x.Ports, err = eachIn(m.GetPorts(), func(m *pluginv1.PortRange) (r PortRange, err error) {
		if r.First, err = fit[uint16]("port", m.GetFirst()); err != nil {
			return r, err
		}
		r.Last, err = fit[uint16]("port", m.GetLast())
		return r, err
	})
	return x, err
}

func destinationOut(d Destination) *pluginv1.Destination {
	return &pluginv1.Destination{
		Address:        addrOut(d.Address),
		Port:           uint32(d.Port),
		Forward:        string(d.Forward),
		Weight:         d.Weight,
		UpperThreshold: d.UpperThreshold,
		LowerThreshold: d.LowerThreshold,
		TunnelType:     d.Tunnel.Type,
		TunnelPort:     uint32(d.Tunnel.Port),
		TunnelChecksum: d.Tunnel.Checksum,
	}
}

func destinationIn(m *pluginv1.Destination) (d Destination, err error) {
	d = Destination{
		Forward:        Forward(m.GetForward()),
		Weight:         m.GetWeight(),
		UpperThreshold: m.GetUpperThreshold(),
		LowerThreshold: m.GetLowerThreshold(),
		Tunnel:         Tunnel{Type: m.GetTunnelType(), Checksum: m.GetTunnelChecksum()},
	}
	if d.Address, d.Port, err = endpointIn(m.GetAddress(), m.GetPort()); err != nil {
		return d, err
	}
	switch d.Forward {
	case NAT, DR, TUN, FullNAT:
	default:
		return d, fmt.Errorf("reading real server %s: forwarding method %q is not nat, dr, tun or fullnat", d.Address, clip(m.GetForward()))
	}
	if d.Tunnel.Port, err = fit[uint16]("tunnel port", m.GetTunnelPort()); err != nil {
		return d, err
	}
	return d, nil
}

func destinationKeyOut(k DestinationKey) *pluginv1.DestinationKey {
	return &pluginv1.DestinationKey{Service: serviceKeyOut(k.Service), Address: addrOut(k.Address), Port: uint32(k.Port)}
}

func destinationKeyIn(m *pluginv1.DestinationKey) (k DestinationKey, err error) {
	if k.Service, err = serviceKeyIn(m.GetService()); err != nil {
		return k, err
	}
	k.Address, k.Port, err = endpointIn(m.GetAddress(), m.GetPort())
	return k, err
}

func destinationUpdateOut(u DestinationUpdate) *pluginv1.DestinationUpdate {
	return &pluginv1.DestinationUpdate{Service: serviceKeyOut(u.Service), Destination: destinationOut(u.Destination)}
}

func destinationUpdateIn(m *pluginv1.DestinationUpdate) (u DestinationUpdate, err error) {
	if u.Service, err = serviceKeyIn(m.GetService()); err != nil {
		return u, err
	}
	u.Destination, err = destinationIn(m.GetDestination())
	return u, err
}

func timeoutsOut(t Timeouts) *pluginv1.Timeouts {
	return &pluginv1.Timeouts{Tcp: durationOut(t.TCP), TcpFin: durationOut(t.TCPFin), Udp: durationOut(t.UDP)}
}

func timeoutsIn(m *pluginv1.Timeouts) (t Timeouts, err error) {
	if t.TCP, err = durationIn("tcp time-out", m.GetTcp()); err != nil {
		return t, err
	}
	if t.TCPFin, err = durationIn("tcp_fin time-out", m.GetTcpFin()); err != nil {
		return t, err
	}
	t.UDP, err = durationIn("udp time-out", m.GetUdp())
	return t, err
}

func syncDaemonOut(d SyncDaemon) *pluginv1.SyncDaemon {
	return &pluginv1.SyncDaemon{
		Backup:    d.Backup,
		Interface: d.Interface,
		Id:        uint32(d.ID),
		Group:     addrOut(d.Group),
		Port:      uint32(d.Port),
		Ttl:       uint32(d.TTL),
		MaxLength: uint32(d.MaxLength),
	}
}

func syncDaemonIn(m *pluginv1.SyncDaemon) (d SyncDaemon, err error) {
	d = SyncDaemon{Backup: m.GetBackup(), Interface: m.GetInterface()}
	if d.ID, err = fit[uint8]("sync id", m.GetId()); err != nil {
		return d, err
	}
	if d.Group, err = addrIn(m.GetGroup()); err != nil {
		return d, err
	}
	if d.Port, err = fit[uint16]("sync port", m.GetPort()); err != nil {
		return d, err
	}
	if d.TTL, err = fit[uint8]("sync ttl", m.GetTtl()); err != nil {
		return d, err
	}
	d.MaxLength, err = fit[uint16]("sync length", m.GetMaxLength())
	return d, err
}

// endpointIn reads an address that must be there, and a port.
func endpointIn(address string, port uint32) (ep netip.Addr, p uint16, err error) {
	if ep, err = addrIn(address); err != nil {
		return ep, 0, err
	}
	if !ep.IsValid() {
		return ep, 0, fmt.Errorf("reading a real server: it has no address")
	}
	p, err = fit[uint16]("port", port)
	return ep, p, err
}

func tableUpdateOut(u TableUpdate) *pluginv1.BalancerServiceApplyRequest {
	m := &pluginv1.BalancerServiceApplyRequest{
		Generation: u.Generation,
		Base:       u.Base,
		Full:       u.Full,
		Services:   each(u.Table.Services, serviceOut),
		Removed:    each(u.Removed, serviceKeyOut),
		Changed:    each(u.Changed, destinationUpdateOut),
		Gone:       each(u.Gone, destinationKeyOut),
	}
	if u.Full {
		m.Timeouts, m.Sync = timeoutsOut(u.Table.Timeouts), each(u.Table.Sync, syncDaemonOut)
	}
	return m
}

func tableUpdateIn(m *pluginv1.BalancerServiceApplyRequest) (u TableUpdate, err error) {
	u = TableUpdate{Generation: m.GetGeneration(), Base: m.GetBase(), Full: m.GetFull()}
	if u.Table.Services, err = eachIn(m.GetServices(), serviceIn); err != nil {
		return u, err
	}
	if u.Removed, err = eachIn(m.GetRemoved(), serviceKeyIn); err != nil {
		return u, err
	}
	if u.Changed, err = eachIn(m.GetChanged(), destinationUpdateIn); err != nil {
		return u, err
	}
	if u.Gone, err = eachIn(m.GetGone(), destinationKeyIn); err != nil {
		return u, err
	}
	if u.Table.Timeouts, err = timeoutsIn(m.GetTimeouts()); err != nil {
		return u, err
	}
	u.Table.Sync, err = eachIn(m.GetSync(), syncDaemonIn)
	return u, err
}
