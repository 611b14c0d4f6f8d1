package ipvs

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// This file says the contract's words in the kernel's, and the other way round.

func protocolNumber(p sdk.Protocol) (uint16, error) {
	switch p {
	case sdk.TCP:
		return unix.IPPROTO_TCP, nil
	case sdk.UDP:
		return unix.IPPROTO_UDP, nil
	case sdk.SCTP:
		return unix.IPPROTO_SCTP, nil
	}
	return 0, fmt.Errorf("protocol %q is not tcp, udp or sctp", p)
}

func protocolName(n uint16) sdk.Protocol {
	switch n {
	case unix.IPPROTO_TCP:
		return sdk.TCP
	case unix.IPPROTO_UDP:
		return sdk.UDP
	case unix.IPPROTO_SCTP:
		return sdk.SCTP
	}
	return sdk.Protocol(fmt.Sprint(n))
}

func keyToKernel(k sdk.ServiceKey) (kernel.ServiceKey, error) {
	if k.Mark != 0 {
		if k.IPv6 {
			return kernel.ServiceKey{Family: unix.AF_INET6, Mark: k.Mark}, nil
		}
		return kernel.ServiceKey{Family: unix.AF_INET, Mark: k.Mark}, nil
	}
	protocol, err := protocolNumber(k.Protocol)
	if err != nil {
		return kernel.ServiceKey{}, err
	}
	if !k.Address.IsValid() {
		return kernel.ServiceKey{}, fmt.Errorf("a service without a firewall mark needs an address")
	}
	address := plain(k.Address)
	return kernel.ServiceKey{Family: kernel.FamilyOf(address), Protocol: protocol, Address: address, Port: k.Port}, nil
}

func keyFromKernel(k kernel.ServiceKey) sdk.ServiceKey {
	six := k.Family == unix.AF_INET6
	if k.Mark != 0 {
		return sdk.ServiceKey{Mark: k.Mark, IPv6: six}
	}
	return sdk.ServiceKey{Protocol: protocolName(k.Protocol), Address: k.Address, Port: k.Port, IPv6: six}
}

// plain returns an address as the kernel has it: no IPv4 in IPv6's clothes, no zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// schedulerFlags are the names of the three scheduler flags, as in ipvsadm -b; the scheduler's own are first.
func schedulerFlags(scheduler string) map[kernel.Flags]string {
	switch scheduler {
	case "sh", "mh":
		return map[kernel.Flags]string{kernel.Sched1: scheduler + "-fallback", kernel.Sched2: scheduler + "-port", kernel.Sched3: "flag-3"}
	}
	return map[kernel.Flags]string{kernel.Sched1: "flag-1", kernel.Sched2: "flag-2", kernel.Sched3: "flag-3"}
}

var allSchedulerFlags = [...]kernel.Flags{kernel.Sched1, kernel.Sched2, kernel.Sched3}

func flagsToKernel(scheduler string, names []string) (kernel.Flags, error) {
	var flags kernel.Flags
next:
	for _, n := range names {
		own := schedulerFlags(scheduler)
		for i, f := range allSchedulerFlags {
			if n == own[f] || n == fmt.Sprintf("flag-%d", i+1) {
				flags |= f
				continue next
			}
		}
		return 0, fmt.Errorf("scheduler %s has no flag %q", scheduler, n)
	}
	return flags, nil
}

func flagsFromKernel(s kernel.Service) []string {
	var names []string
	for _, f := range allSchedulerFlags {
		if s.Flags&f != 0 {
			names = append(names, schedulerFlags(s.Scheduler)[f])
		}
	}
	return names
}

func flagText(s kernel.Service) string {
	names := flagsFromKernel(s)
	if s.Flags&kernel.OnePacket != 0 {
		names = append(names, "one-packet")
	}
	return orNone(strings.Join(names, ","))
}

// seconds returns a duration as the kernel counts it. A part of a second counts as one: 0 means something else.
func seconds(d time.Duration) uint32 { return uint32((max(d, 0) + time.Second - 1) / time.Second) }

func serviceToKernel(s sdk.Service) (kernel.Service, error) {
	key, err := keyToKernel(s.Key)
	if err != nil {
		return kernel.Service{}, err
	}
	flags, err := flagsToKernel(s.Scheduler, s.Flags)
	if err != nil {
		return kernel.Service{}, err
	}
	k := kernel.Service{ServiceKey: key, Scheduler: s.Scheduler, Flags: flags, Engine: s.Persistence.Engine, Prefix: key.FullPrefix()}
	if s.OnePacket {
		k.Flags |= kernel.OnePacket
	}
	if s.Persistence.Timeout > 0 {
		k.Flags |= kernel.Persistent
		k.Timeout = seconds(s.Persistence.Timeout)
		if p := s.Persistence.Prefix; p > int(key.FullPrefix()) || p < 0 {
			return kernel.Service{}, fmt.Errorf("persistence by %d bits of an address of %d", p, key.FullPrefix())
		} else if p != 0 {
			k.Prefix = uint8(p)
		}
	}
	return k, nil
}

func serviceFromKernel(k kernel.Service) sdk.Service {
	s := sdk.Service{
		Key:         keyFromKernel(k.ServiceKey),
		Scheduler:   k.Scheduler,
		Flags:       flagsFromKernel(k),
		OnePacket:   k.Flags&kernel.OnePacket != 0,
		Persistence: sdk.Persistence{Engine: k.Engine},
	}
	if k.Flags&kernel.Persistent != 0 {
		s.Persistence.Timeout = time.Duration(k.Timeout) * time.Second
		if k.Prefix < k.FullPrefix() {
			s.Persistence.Prefix = int(k.Prefix)
		}
	}
	return s
}

// tunnelToKernel says a tunnel in numbers. One that IPVS does not have is an error.
func tunnelToKernel(t sdk.Tunnel) (k kernel.Tunnel, err error) {
	k.Port = t.Port
	switch t.Type {
	case "", "ipip":
		k.Type = kernel.TunnelIPIP
	case "gue":
		k.Type = kernel.TunnelGUE
	case "gre":
		k.Type = kernel.TunnelGRE
	default:
		return k, fmt.Errorf("tunnel %q is not ipip, gue or gre", t.Type)
	}
	switch t.Checksum {
	case "":
	case "csum":
		k.Flags = kernel.TunnelChecksum
	case "remcsum":
		k.Flags = kernel.TunnelRemoteChecksum
	default:
		return k, fmt.Errorf("tunnel checksum %q is not csum or remcsum", t.Checksum)
	}
	return k, nil
}

func destinationToKernel(d sdk.Destination) (kernel.Destination, error) {
	k := kernel.Destination{
		DestinationKey: kernel.DestinationKey{Address: plain(d.Address), Port: d.Port},
		Weight:         d.Weight, Upper: d.UpperThreshold, Lower: d.LowerThreshold,
	}
	if !d.Address.IsValid() {
		return k, fmt.Errorf("a real server needs an address")
	}
	switch d.Forward {
	case sdk.NAT, sdk.FullNAT:
		k.Forward = kernel.ForwardMasq
	case sdk.DR:
		k.Forward = kernel.ForwardDirect
	case sdk.TUN:
		k.Forward = kernel.ForwardTunnel
	default:
		return k, fmt.Errorf("forward %q is not nat, dr, tun or fullnat", d.Forward)
	}
	if d.Forward != sdk.TUN {
		return k, nil
	}
	var err error
	k.Tunnel, err = tunnelToKernel(d.Tunnel)
	return k, err
}

func destinationFromKernel(k kernel.Destination) sdk.Destination {
	d := sdk.Destination{
		Address: k.Address, Port: k.Port, Forward: sdk.Forward(k.Forward.String()),
		Weight: k.Weight, UpperThreshold: k.Upper, LowerThreshold: k.Lower,
	}
	switch k.Tunnel.Type {
	case kernel.TunnelGUE:
		d.Tunnel.Type = "gue"
	case kernel.TunnelGRE:
		d.Tunnel.Type = "gre"
	}
	d.Tunnel.Port = k.Tunnel.Port
	switch {
	case k.Tunnel.Flags&kernel.TunnelRemoteChecksum != 0:
		d.Tunnel.Checksum = "remcsum"
	case k.Tunnel.Flags&kernel.TunnelChecksum != 0:
		d.Tunnel.Checksum = "csum"
	}
	return d
}

func tunnelText(t kernel.Tunnel) string {
	d := destinationFromKernel(kernel.Destination{Forward: kernel.ForwardTunnel, Tunnel: t}).Tunnel
	text := d.Type
	if text == "" {
		text = "ipip"
	}
	if d.Port != 0 {
		text += fmt.Sprintf(" port %d", d.Port)
	}
	if d.Checksum != "" {
		text += " " + d.Checksum
	}
	return text
}

func timeoutsToKernel(t sdk.Timeouts) kernel.Timeouts {
	return kernel.Timeouts{TCP: seconds(t.TCP), TCPFin: seconds(t.TCPFin), UDP: seconds(t.UDP)}
}

func timeoutsFromKernel(t kernel.Timeouts) sdk.Timeouts {
	return sdk.Timeouts{TCP: time.Duration(t.TCP) * time.Second, TCPFin: time.Duration(t.TCPFin) * time.Second, UDP: time.Duration(t.UDP) * time.Second}
}

// daemonToKernel fills in what the kernel would, so that what it reports compares equal.
func daemonToKernel(d sdk.SyncDaemon) kernel.Daemon {
	k := kernel.Daemon{Backup: d.Backup, Interface: d.Interface, ID: d.ID, Group: plain(d.Group), Port: d.Port, TTL: d.TTL, MaxLength: d.MaxLength}
	if !k.Group.IsValid() {
		k.Group = netip.AddrFrom4([4]byte{224, 0, 0, 81})
	}
	if k.Port == 0 {
		k.Port = 8848
	}
	k.TTL = max(k.TTL, 1)
	return k
}

func daemonFromKernel(k kernel.Daemon) sdk.SyncDaemon {
	return sdk.SyncDaemon{Backup: k.Backup, Interface: k.Interface, ID: k.ID, Group: k.Group, Port: k.Port, TTL: k.TTL, MaxLength: k.MaxLength}
}
