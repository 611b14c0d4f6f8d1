package core

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A shown virtual server is one of a status, with what it takes to find it in the kernel's table.
type shown struct {
	*controlv1.VirtualServer
	service sdk.ServiceKey
	servers []netip.AddrPort
}

// Status says how everything is. The loop tells it piece by piece, so that no verdict waits for it, and what the kernel
// holds is read beside the loop.
func (s *server) Status(ctx context.Context, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	d := s.d
	st := &controlv1.StatusResponse{Version: d.o.Version, Pid: int32(os.Getpid()), Started: timestamppb.New(d.started), DryRun: d.o.DryRun}
	var balancer sdk.Balancer
	var vrrp sdk.VRRP
	var ds director.Status
	if !d.call(ctx, func() {
		balancer, vrrp = d.table.balancer, d.vrrp
		st.Director = d.config.Director.Name
		st.Configuration = &controlv1.Configuration{Paths: d.o.Paths, Loaded: timestamppb.New(d.loaded), Problem: d.problem, Warnings: d.warnings}
		st.Balancer = d.balancerStatus()
		if d.director != nil {
			ds = d.director.Overview()
		}
		if b := ds.Brake; b != nil {
			st.Brake = &controlv1.Brake{Since: stamp(b.Since), Until: stamp(b.Until), Reason: b.Reason, Held: uint32(b.Held), Up: uint32(b.Up)}
		}
		st.Checks = d.checkStatus(ds.Checks)
	}) {
		return nil, errStopping
	}
	all, ok := d.virtualServers(ctx, req.Brief)
	if !ok {
		return nil, errStopping
	}
	for _, vs := range all {
		st.VirtualServers = append(st.VirtualServers, vs.VirtualServer)
	}
	for _, p := range d.plugins.Status() {
		st.Plugins = append(st.Plugins, &controlv1.Plugin{
			Name: p.String(), Version: p.Version, State: string(p.State), Pid: int32(p.PID), Since: stamp(p.Since), Restarts: uint32(p.Restarts),
			LastError: p.LastError, Memory: p.Memory, Cpu: durationpb.New(p.CPU),
		})
	}
	st.Vrrp = d.vrrpStatus(ctx, ds, vrrp)
	switch {
	case balancer == nil && len(all) > 0:
		st.Balancer.Problem = "the balancer plugin does not run; the kernel keeps what it has"
	case balancer != nil && !req.Brief:
		held := d.look.at(ctx, balancer)
		if st.Balancer.Problem = held.problem; !held.read.IsZero() {
			st.Balancer.Read = stamp(held.read)
			addTraffic(st.Balancer, all, held.Observed)
		}
	}
	return st, nil
}

// statusPiece is how many real servers the loop tells of at a time: half a millisecond's work.
const statusPiece = 100

// virtualServers has the loop tell of all virtual servers, piece by piece. When the configuration changes meanwhile, it
// begins anew. It says false when ctx has ended.
func (d *daemon) virtualServers(ctx context.Context, brief bool) (all []shown, ok bool) {
	var of *config.Config
	for more := true; more; {
		if !d.call(ctx, func() {
			if more = d.director != nil; !more {
				return
			}
			if of != d.config {
				of, all = d.config, nil
			}
			piece := d.director.VirtualServers(len(all), statusPiece, brief)
			for _, vs := range piece {
				all = append(all, d.virtualServerStatus(vs))
			}
			more = len(piece) > 0
		}) {
			return nil, false
		}
	}
	return all, true
}

func (d *daemon) balancerStatus() *controlv1.Balancer {
	b := &controlv1.Balancer{Writes: d.table.writes, LastDrift: d.table.drift, LastDriftAt: stamp(d.table.driftAt)}
	for _, fs := range d.table.failures {
		for _, f := range fs {
			b.Failures = append(b.Failures, failureText(f))
		}
	}
	slices.Sort(b.Failures)
	return b
}

func (d *daemon) checkStatus(checks []director.CheckStatus) []*controlv1.Check {
	var out []*controlv1.Check
	for _, c := range checks {
		m := &controlv1.Check{
			Id: c.ID, Type: c.Type, Position: c.Position.String(), State: c.State.String(), Reason: c.Reason, Since: stamp(c.Since),
		}
		if p := d.probes[c.ID]; p != nil {
			m.Successes, m.Failures, m.Latency, m.LastError = p.successes, p.failures, durationpb.New(p.latency), p.lastError
		}
		out = append(out, m)
	}
	return out
}

func (d *daemon) virtualServerStatus(vs director.VirtualServerStatus) shown {
	m := &controlv1.VirtualServer{
		Name: vs.Name, Position: vs.Position.String(), Service: vs.Service.String(), Scheduler: vs.Scheduler,
		Quorum: vs.Quorum, Weight: vs.Weight, HasQuorum: vs.QuorumGained, Suspended: vs.Suspended,
		Servers: uint32(vs.Servers), ServersUp: uint32(vs.Up),
	}
	out := shown{VirtualServer: m, service: vs.Service}
	if vs.SorryServer != nil {
		m.Sorry = "configured"
		if vs.SorryServer.In {
			m.Sorry = "in"
		}
	}
	for _, rs := range vs.RealServers {
		at := netip.AddrPortFrom(rs.Address, rs.Port)
		out.servers = append(out.servers, at)
		m.Forward = string(rs.Forward)
		m.RealServers = append(m.RealServers, &controlv1.RealServer{
			Name: rs.Name, Position: rs.Position.String(), Address: at.String(), Forward: string(rs.Forward),
			State: rs.State.String(), Reason: rs.Reason, Since: stamp(rs.Since),
			ConfiguredWeight: rs.ConfiguredWeight, Weight: rs.Weight, InTable: rs.InTable, Checks: d.checkStatus(rs.Checks),
			WeightReason: rs.WeightReason,
		})
	}
	return out
}

// addTraffic adds the kernel's counters to what the director says.
func addTraffic(b *controlv1.Balancer, all []shown, o sdk.Observed) {
	b.Version, b.ConnectionTableSize, b.Differences = o.Version, o.Connections, o.Differences
	held := make(map[sdk.ServiceKey]*sdk.ObservedService, len(o.Services))
	for i := range o.Services {
		held[o.Services[i].Key] = &o.Services[i]
	}
	for _, vs := range all {
		s := held[vs.service]
		if s == nil {
			continue
		}
		vs.Traffic = traffic(s.Stats)
		dests := make(map[netip.AddrPort]*sdk.ObservedDestination, len(s.Destinations))
		for i := range s.Destinations {
			dst := &s.Destinations[i]
			dests[netip.AddrPortFrom(dst.Address, dst.Port)] = dst
		}
		for i, at := range vs.servers {
			if dst := dests[at]; dst != nil {
				m := vs.RealServers[i]
				m.Active, m.Inactive, m.Traffic = dst.Active, dst.Inactive, traffic(dst.Stats)
			}
		}
	}
}

func traffic(s sdk.Stats) *controlv1.Traffic {
	return &controlv1.Traffic{
		Connections: s.Connections, PacketsIn: s.PacketsIn, PacketsOut: s.PacketsOut, BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		ConnectionsPerSecond: s.ConnectionsPerSecond, BytesInPerSecond: s.BytesInPerSecond, BytesOutPerSecond: s.BytesOutPerSecond,
	}
}

// stamp is t on the wire; a zero time is not sent.
func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
