package ipvs

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A SaveOption is something more in what Save writes.
type SaveOption func(*saver)

// WithThresholds adds the real servers' thresholds (-x, -y), which ipvsadm -S leaves out and ipvsadm -R reads.
func WithThresholds() SaveOption { return func(s *saver) { s.thresholds = true } }

// Save writes a table in the form of ipvsadm -S -n, byte for byte as ipvsadm 1.31 does, so that ipvsadm -R reads it. Like
// ipvsadm it has no word for time-outs, sync daemons and match blocks. A service that IPVS cannot hold is an error.
func Save(t sdk.Table, w io.Writer, options ...SaveOption) error {
	s := saver{w: bufio.NewWriter(w)}
	for _, o := range options {
		o(&s)
	}
	want := newDesired()
	for _, service := range t.Services {
		want.set(service)
	}
	var errs []error
	for _, f := range want.complaints(nil) {
		errs = append(errs, fmt.Errorf("%s %s: %s: %s", f.Service, f.Destination, f.Operation, f.Error))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, k := range slices.SortedFunc(maps.Keys(want.table.services), savedOrder) {
		s.service(want.table.services[k])
	}
	return s.w.Flush()
}

type saver struct {
	w          *bufio.Writer
	thresholds bool
}

// savedOrder is the order of ipvsadm's list: it subtracts marks as signed numbers of 32 bits.
func savedOrder(a, b kernel.ServiceKey) int {
	return cmp.Or(int(int32(a.Mark-b.Mark)), compareKeys(a, b))
}

// savedServerOrder is by the bytes of the address, whichever family it is of.
func savedServerOrder(a, b kernel.DestinationKey) int {
	return cmp.Or(slices.Compare(a.Address.AsSlice(), b.Address.AsSlice()), cmp.Compare(a.Port, b.Port))
}

func (s *saver) service(v *service) {
	name := savedService(v.ServiceKey)
	fmt.Fprintf(s.w, "-A %s -s %s", name, v.Scheduler)
	if v.Flags&kernel.Persistent != 0 {
		fmt.Fprintf(s.w, " -p %d", v.Timeout)
		if v.Prefix < v.FullPrefix() {
			if v.FullPrefix() == 32 {
				mask := netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), int(v.Prefix)).Masked().Addr()
				fmt.Fprintf(s.w, " -M %s", mask)
			} else {
				fmt.Fprintf(s.w, " -M %d", v.Prefix)
			}
		}
	}
	if v.Engine != "" {
		fmt.Fprintf(s.w, " --pe %s", v.Engine)
	}
	if v.Flags&kernel.OnePacket != 0 {
		s.w.WriteString(" -o")
	}
	if v.Flags&(kernel.Sched1|kernel.Sched2|kernel.Sched3) != 0 {
		fmt.Fprintf(s.w, " -b %s", savedFlags(v.Service))
	}
	s.w.WriteByte('\n')
	for _, k := range slices.SortedFunc(maps.Keys(v.destinations), savedServerOrder) {
		s.destination(name, v.destinations[k])
	}
}

// savedFlags leaves out the third flag of sh and mh, for which ipvsadm has no name.
func savedFlags(v kernel.Service) string {
	if v.Scheduler == "sh" || v.Scheduler == "mh" {
		v.Flags &^= kernel.Sched3
	}
	return strings.Join(flagsFromKernel(v), ",")
}

func (s *saver) destination(service string, d kernel.Destination) {
	fmt.Fprintf(s.w, "-a %s -r %s ", service, savedAddress(d.Address, d.Port))
	switch d.Forward {
	case kernel.ForwardMasq:
		s.w.WriteString("-m")
	case kernel.ForwardTunnel:
		s.w.WriteString("-i")
	default:
		s.w.WriteString("-g")
	}
	fmt.Fprintf(s.w, " -w %d", d.Weight)
	if d.Forward == kernel.ForwardTunnel {
		s.tunnel(d.Tunnel)
	}
	if s.thresholds && d.Upper != 0 {
		fmt.Fprintf(s.w, " -x %d", d.Upper)
	}
	if s.thresholds && d.Lower != 0 {
		fmt.Fprintf(s.w, " -y %d", d.Lower)
	}
	s.w.WriteByte('\n')
}

func (s *saver) tunnel(t kernel.Tunnel) {
	checksum := "--tun-nocsum"
	switch {
	case t.Flags&kernel.TunnelChecksum != 0:
		checksum = "--tun-csum"
	case t.Flags&kernel.TunnelRemoteChecksum != 0:
		checksum = "--tun-remcsum"
	}
	switch t.Type {
	case kernel.TunnelGUE:
		fmt.Fprintf(s.w, " --tun-type gue --tun-port %d %s", t.Port, checksum)
	case kernel.TunnelGRE:
		fmt.Fprintf(s.w, " --tun-type gre %s", checksum)
	default:
		s.w.WriteString(" --tun-type ipip")
	}
}

func savedService(k kernel.ServiceKey) string {
	switch {
	case k.Mark != 0 && k.FullPrefix() == 128:
		return fmt.Sprintf("-f %d -6", int32(k.Mark))
	case k.Mark != 0:
		return fmt.Sprintf("-f %d", int32(k.Mark))
	}
	option := map[sdk.Protocol]string{sdk.TCP: "-t", sdk.UDP: "-u", sdk.SCTP: "--sctp-service"}[protocolName(k.Protocol)]
	return option + " " + savedAddress(k.Address, k.Port)
}

// savedAddress writes an address as inet_ntop(3) does: one with nothing but zeros before its last 32 bits ends in dotted
// numbers.
func savedAddress(a netip.Addr, port uint16) string {
	if a.Is6() {
		b := a.As16()
		if [12]byte(b[:12]) == ([12]byte{}) && (b[12] != 0 || b[13] != 0) {
			return fmt.Sprintf("[::%s]:%d", netip.AddrFrom4([4]byte(b[12:])), port)
		}
	}
	return netip.AddrPortFrom(a, port).String()
}
