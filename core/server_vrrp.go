package core

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// CommandVRRP carries out what an operator asks of an instance.
func (s *server) CommandVRRP(ctx context.Context, req *controlv1.CommandVRRPRequest) (*controlv1.CommandVRRPResponse, error) {
	resp := &controlv1.CommandVRRPResponse{}
	var err error
	switch {
	case s.d.o.DryRun:
		err = fmt.Errorf("this is a dry run, which takes no part in VRRP")
	case req.Action == "release", req.Action == "reclaim":
		resp.Unchanged, err = s.d.release(ctx, req.Instance, req.Action == "release")
	case req.Action == "garp":
		err = s.d.announce(ctx, req.Instance)
	default:
		return nil, status.Errorf(codes.Unimplemented, "vrrp: there is no %q: release, reclaim and garp are what there is", req.Action)
	}
	if err != nil {
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	return resp, nil
}

// Stop ends evenkeel once this is answered.
func (s *server) Stop(_ context.Context, req *controlv1.StopRequest) (*controlv1.StopResponse, error) {
	s.d.linger.Store(req.Keep)
	time.AfterFunc(50*time.Millisecond, s.d.quit)
	return &controlv1.StopResponse{}, nil
}

// vrrpStatusTime is how long the vrrp plugin may take to say how it is.
const vrrpStatusTime = 2 * time.Second

// vrrpStatus joins what the director thinks of the instances with what the plugin says.
func (d *daemon) vrrpStatus(ctx context.Context, ds director.Status, v sdk.VRRP) *controlv1.VRRP {
	if len(ds.Instances) == 0 {
		return nil
	}
	out := &controlv1.VRRP{}
	var said sdk.VRRPStatus
	switch {
	case d.o.DryRun:
		out.Problem = "dry run: takes no part"
	case !d.hasVRRP():
		out.Problem = "this evenkeel has no vrrp plugin"
	case v == nil:
		out.Problem = "the vrrp plugin does not run, or waits for the table to be in place"
	default:
		var err error
		ctx, cancel := context.WithTimeout(ctx, vrrpStatusTime)
		defer cancel()
		if said, err = v.Status(ctx); err != nil {
			out.Problem = fmt.Sprintf("the vrrp plugin could not be asked: %v", err)
		}
	}
	out.Privileges, out.LateTimers, out.Unknown = said.Privileges, said.LateTimers, said.Unknown
	out.LateAfter, out.MaxLate = durationpb.New(said.LateAfter), durationpb.New(said.MaxLate)
	of := make(map[string]*sdk.VRRPInstanceStatus, len(said.Instances))
	for i := range said.Instances {
		of[said.Instances[i].Name] = &said.Instances[i]
	}
	for _, thought := range ds.Instances {
		out.Instances = append(out.Instances, instanceStatus(thought, of[thought.Name]))
	}
	for _, g := range ds.Groups {
		out.Groups = append(out.Groups, &controlv1.SyncGroup{Name: g.Name, Members: g.Members, State: string(g.State), Since: stamp(g.Since)})
	}
	return out
}

// instanceStatus is an instance on the wire. said is nil where the plugin has said nothing.
func instanceStatus(v director.InstanceStatus, said *sdk.VRRPInstanceStatus) *controlv1.VRRPInstance {
	m := &controlv1.VRRPInstance{
		Name: v.Name, Position: v.Position.String(), Interface: v.Interface, VirtualRouterId: uint32(v.RouterID), Version: uint32(v.Version),
		Group: v.Group, State: string(v.State), Since: stamp(v.Since), Reason: v.Reason,
		ConfiguredPriority: uint32(v.Configured), Priority: uint32(v.Priority), Fault: v.Fault, Released: v.Released,
	}
	for _, a := range v.Addresses {
		m.Addresses = append(m.Addresses, a.String())
	}
	notices := v.Notices
	if said != nil {
		m.State, m.Since, m.Reason, m.Priority = string(said.State), stamp(said.Since), said.Reason, uint32(said.Priority)
		for _, p := range said.Held {
			m.Held = append(m.Held, p.String())
		}
		if said.Source.IsValid() {
			m.Source = said.Source.String()
		}
		if said.MasterAddress.IsValid() {
			m.MasterAddress, m.MasterPriority = said.MasterAddress.String(), uint32(said.MasterPriority)
			m.MasterInterval = durationpb.New(said.MasterInterval)
		}
		m.BecameMaster, m.AdvertsSent, m.AdvertsReceived = said.BecameMaster, said.AdvertsSent, said.AdvertsReceived
		m.SendErrors, m.LastSendError, m.Announced = said.SendErrors, said.LastSendError, said.Announced
		m.LargestAdvertGap = durationpb.New(said.LargestAdvertGap)
		for _, x := range said.Discarded {
			m.Discarded = append(m.Discarded, &controlv1.VRRPDiscard{Reason: x.Reason, Count: x.Count, Last: x.Last})
		}
		notices = said.Notices
	}
	for _, n := range notices {
		m.Notices = append(m.Notices, &controlv1.VRRPNotice{Kind: n.Kind, Subject: n.Subject, Text: n.Text, Since: stamp(n.Time)})
	}
	return m
}
