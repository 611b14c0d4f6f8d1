package core

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A server answers the control API for a daemon.
type server struct {
	controlv1.UnimplementedControlServiceServer
	d *daemon
}

const stopping = "evenkeel is stopping"

var errStopping = status.Error(codes.Unavailable, stopping)

// Reload reads the configuration again.
func (s *server) Reload(ctx context.Context, _ *controlv1.ReloadRequest) (*controlv1.ReloadResponse, error) {
	done := make(chan reloadResult, 1)
	select {
	case s.d.reloads <- reloadRequest{done}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case r := <-done:
		if r.problem != "" {
			return &controlv1.ReloadResponse{Diagnostics: r.problem}, nil
		}
		var warnings string
		for _, w := range r.warnings {
			warnings += "warning: " + w + "\n"
		}
		return &controlv1.ReloadResponse{Ok: true, Diagnostics: warnings, Changes: r.changes, Writes: r.writes}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ReleaseBrake makes the brake let go.
func (s *server) ReleaseBrake(ctx context.Context, _ *controlv1.ReleaseBrakeRequest) (*controlv1.ReleaseBrakeResponse, error) {
	r := &controlv1.ReleaseBrakeResponse{}
	if !s.d.call(ctx, func() {
		if s.d.director == nil || s.d.director.Status().Brake == nil {
			return
		}
		r.Held = true
		s.d.step(director.LetGo{Now: time.Now()})
		s.d.unsaved = true
	}) {
		return nil, errStopping
	}
	return r, nil
}

// lastEvents is how many events are sent to one who names no first one.
const lastEvents = 100

// Events sends what happened.
func (s *server) Events(req *controlv1.EventsRequest, stream grpc.ServerStreamingServer[controlv1.EventsResponse]) error {
	ctx := stream.Context()
	more := make(chan struct{}, 1)
	if !s.d.call(ctx, func() { s.d.followers[more] = true }) {
		return errStopping
	}
	defer s.d.call(context.Background(), func() { delete(s.d.followers, more) })
	from := req.From
	if next := s.d.journal.NextEvent(); from == 0 && next > lastEvents {
		from = next - lastEvents
	}
	for {
		events, err := s.d.journal.Events(from, 1000)
		if err != nil {
			return status.Errorf(codes.Internal, "reading the events: %v", err)
		}
		for _, e := range events {
			if err := stream.Send(&controlv1.EventsResponse{
				Id: e.ID, Time: timestamppb.New(e.Time), Kind: e.Kind, Subject: e.Subject, From: e.From, To: e.To, Reason: e.Reason, Cause: e.Cause,
			}); err != nil {
				return err
			}
			from = e.ID + 1
		}
		if len(events) > 0 {
			continue
		}
		if !req.Follow {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Status says how everything is. What the kernel holds is read for it, beside the loop.
func (s *server) Status(ctx context.Context, _ *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
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
			ds = d.director.Status()
		}
		if b := ds.Brake; b != nil {
			st.Brake = &controlv1.Brake{Since: stamp(b.Since), Until: stamp(b.Until), Reason: b.Reason, Held: uint32(b.Held), Up: uint32(b.Up)}
		}
		st.Checks = d.checkStatus(ds.Checks)
		for _, vs := range ds.VirtualServers {
			st.VirtualServers = append(st.VirtualServers, d.virtualServerStatus(vs))
		}
	}) {
		return nil, errStopping
	}
	for _, p := range d.plugins.Status() {
		st.Plugins = append(st.Plugins, &controlv1.Plugin{
			Name: p.String(), Version: p.Version, State: string(p.State), Pid: int32(p.PID), Since: stamp(p.Since), Restarts: uint32(p.Restarts),
			LastError: p.LastError, Memory: p.Memory, Cpu: durationpb.New(p.CPU),
		})
	}
	st.Vrrp = d.vrrpStatus(ctx, ds, vrrp)
	switch {
	case balancer != nil:
		rctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		observed, err := balancer.Read(rctx)
		if err != nil {
			st.Balancer.Problem = fmt.Sprintf("it could not be read: %v", status.Convert(err).Message())
			break
		}
		addTraffic(st, ds, observed)
	case st.Balancer != nil && len(st.VirtualServers) > 0:
		st.Balancer.Problem = "the balancer plugin does not run; the kernel keeps what it has"
	}
	return st, nil
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

func (d *daemon) virtualServerStatus(vs director.VirtualServerStatus) *controlv1.VirtualServer {
	m := &controlv1.VirtualServer{
		Name: vs.Name, Position: vs.Position.String(), Service: vs.Service.String(), Scheduler: vs.Scheduler,
		Quorum: vs.Quorum, Weight: vs.Weight, HasQuorum: vs.QuorumGained, Suspended: vs.Suspended,
	}
	if vs.SorryServer != nil {
		m.Sorry = "configured"
		if vs.SorryServer.In {
			m.Sorry = "in"
		}
	}
	for _, rs := range vs.RealServers {
		m.Forward = string(rs.Forward)
		m.RealServers = append(m.RealServers, &controlv1.RealServer{
			Name: rs.Name, Position: rs.Position.String(), Address: netip.AddrPortFrom(rs.Address, rs.Port).String(), Forward: string(rs.Forward),
			State: rs.State.String(), Reason: rs.Reason, Since: stamp(rs.Since),
			ConfiguredWeight: rs.ConfiguredWeight, Weight: rs.Weight, InTable: rs.InTable, Checks: d.checkStatus(rs.Checks),
			WeightReason: rs.WeightReason,
		})
	}
	return m
}

// addTraffic adds the kernel's counters to what the director says.
func addTraffic(st *controlv1.StatusResponse, ds director.Status, o sdk.Observed) {
	st.Balancer.Version, st.Balancer.ConnectionTableSize, st.Balancer.Differences = o.Version, o.Connections, o.Differences
	held := make(map[sdk.ServiceKey]*sdk.ObservedService, len(o.Services))
	for i := range o.Services {
		held[o.Services[i].Key] = &o.Services[i]
	}
	for i, vs := range ds.VirtualServers {
		s := held[vs.Service]
		if s == nil {
			continue
		}
		st.VirtualServers[i].Traffic = traffic(s.Stats)
		dests := make(map[netip.AddrPort]*sdk.ObservedDestination, len(s.Destinations))
		for j := range s.Destinations {
			dst := &s.Destinations[j]
			dests[netip.AddrPortFrom(dst.Address, dst.Port)] = dst
		}
		for j, rs := range vs.RealServers {
			dst := dests[netip.AddrPortFrom(rs.Address, rs.Port)]
			if dst == nil {
				continue
			}
			m := st.VirtualServers[i].RealServers[j]
			m.Active, m.Inactive, m.Traffic = dst.Active, dst.Inactive, traffic(dst.Stats)
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
