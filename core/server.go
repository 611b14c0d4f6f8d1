package core

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
	"github.com/evenkeel/evenkeel/core/director"
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
		if s.d.director == nil || s.d.director.Overview().Brake == nil {
			return
		}
		r.Held = true
		s.d.step(director.LetGo{Now: time.Now()})
		s.d.unsaved.Store(true)
	}) {
		return nil, errStopping
	}
	return r, nil
}

// lastEvents is how many events are sent to one who names no first one.
const lastEvents = 100

// written waits until all that has happened so far is in the journal.
func (d *daemon) written(ctx context.Context) bool {
	done := make(chan struct{})
	if !d.call(ctx, func() { d.records.put(record{done: done}) }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// Events sends what happened.
func (s *server) Events(req *controlv1.EventsRequest, stream grpc.ServerStreamingServer[controlv1.EventsResponse]) error {
	ctx := stream.Context()
	more := make(chan struct{}, 1)
	s.d.records.follow(more)
	defer s.d.records.unfollow(more)
	if !s.d.written(ctx) {
		return errStopping
	}
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
