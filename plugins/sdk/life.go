package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// The times of a plugin's life.
const (
	leaseTime  = 10 * time.Second // without a beat for this long, the core is gone
	firstLease = 30 * time.Second // for the core to open the first session
	lingerTime = time.Minute      // that a vrrp plugin waits for another core
	stopTime   = 5 * time.Second  // to finish in, when nobody said how long
)

// A life is a plugin from its start to its end: the service that all kinds have in common, and the lease.
type life struct {
	pluginv1.UnimplementedPluginServiceServer
	plugin  Plugin
	logger  hclog.Logger
	open    func(Host) (any, error)
	greeted func() // once, before the author's code runs
	log     *backlog
	keep    string

	lease, first, linger time.Duration

	mu     sync.Mutex
	impl   any // nil: not opened yet
	opened bool
	dryRun bool
	lost   *time.Timer // what happens when no session begins or goes on

	stopping sync.Once
	stopped  chan struct{}   // the author's Stop has returned
	ctx      context.Context // of every stream; ends with the plugin
	cancel   context.CancelFunc
}

func newLife(p Plugin, logger hclog.Logger) *life {
	l := &life{
		plugin:  p,
		logger:  logger,
		greeted: func() {},
		log:     &backlog{},
		lease:   leaseTime,
		first:   firstLease,
		linger:  lingerTime,
		stopped: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// register puts the plugin's services on a server.
func (l *life) register(s grpc.ServiceRegistrar) {
	pluginv1.RegisterPluginServiceServer(s, l)
	l.open = l.plugin.bind(s)
}

// Describe opens the plugin when it is asked for the first time.
func (l *life) Describe(_ context.Context, m *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.opened && l.dryRun != m.GetDryRun():
		return nil, status.Errorf(codes.InvalidArgument, "the plugin already runs with dry_run %t", l.dryRun)
	case !l.opened:
		l.greeted()
		h := Host{DryRun: m.GetDryRun(), Keep: l.keep, Logger: l.logger}
		err := guard(l.logger, "opening the plugin", func() (err error) {
			l.impl, err = l.open(h)
			return err
		})
		if err != nil {
			return nil, status.Error(codes.FailedPrecondition, text(err.Error()))
		}
		l.opened, l.dryRun = true, m.GetDryRun()
	}
	return infoOut(l.plugin.info, []string{l.plugin.service}), nil
}

// Validate asks the author's Validate.
func (l *life) Validate(_ context.Context, m *pluginv1.ValidateRequest) (*pluginv1.ValidateResponse, error) {
	return &pluginv1.ValidateResponse{Diagnostics: each(l.plugin.Validate(m.GetConfigJson()), diagnosticOut)}, nil
}

// Session answers beats. When it ends, so does the lease.
func (l *life) Session(s grpc.BidiStreamingServer[pluginv1.SessionRequest, pluginv1.SessionResponse]) error {
	l.renew(l.lease)
	for {
		m, err := s.Recv()
		if err != nil {
			l.orphaned(err)
			return nil
		}
		l.renew(l.lease)
		if err := s.Send(&pluginv1.SessionResponse{Beat: m.GetBeat(), Log: l.log.take()}); err != nil {
			l.orphaned(err)
			return nil
		}
	}
}

// renew lets the plugin live for d from now.
func (l *life) renew(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		l.lost.Stop()
	}
	l.lost = time.AfterFunc(d, func() { l.orphaned(errors.New("no beat")) })
}

// orphaned is called when the core is gone. A vrrp plugin holds its addresses while it waits for another core; a node
// that nobody supervises must not keep them for ever. All others end, and the world stays as it is.
func (l *life) orphaned(cause error) {
	if l.ctx.Err() != nil {
		return
	}
	if errors.Is(cause, io.EOF) {
		cause = errors.New("it ended the session")
	}
	if l.plugin.info.Kind != KindVRRP {
		l.logger.Warn("the core is gone, ending", "cause", cause)
		go l.stop(stopTime, false)
		return
	}
	l.logger.Warn("the core is gone, waiting for another", "cause", cause, "for", l.linger.String())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		l.lost.Stop()
	}
	l.lost = time.AfterFunc(l.linger, func() { l.stop(stopTime, true) })
}

// Stop ends the plugin.
func (l *life) Stop(_ context.Context, m *pluginv1.StopRequest) (*pluginv1.StopResponse, error) {
	within, err := durationIn("within", m.GetWithin())
	if err != nil {
		return nil, refused(err)
	}
	if within == 0 {
		within = stopTime
	}
	go l.stop(within, m.GetRelease())
	select {
	case <-l.stopped:
	case <-time.After(within):
	}
	return &pluginv1.StopResponse{}, nil
}

// stop calls the author's Stop, once, and ends the plugin's life when that has returned or its time is over.
func (l *life) stop(within time.Duration, release bool) {
	l.stopping.Do(func() {
		defer l.cancel()
		defer close(l.stopped)
		l.mu.Lock()
		impl := l.impl
		l.mu.Unlock()
		s, ok := impl.(Stopper)
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			done <- guard(l.logger, "Stop", func() error { return s.Stop(ctx, release) })
		}()
		select {
		case err := <-done:
			if err != nil {
				l.logger.Error("stopping", "error", err)
			}
		case <-ctx.Done():
			l.logger.Error("stopping took too long", "within", within)
		}
	})
	<-l.stopped
}

// unary and streaming answer a panic of the author's code with an error; the plugin goes on.
func (l *life) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer l.recovered(info.FullMethod, &err)
	return next(ctx, req)
}

func (l *life) streaming(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer l.recovered(info.FullMethod, &err)
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	return next(srv, &boundStream{ss, ctx})
}

func (l *life) recovered(method string, err *error) {
	if p := recover(); p != nil {
		l.logger.Error("panic", "in", method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, text(fmt.Sprintf("panic in %s: %v", method, p)))
	}
}

// A boundStream ends with the plugin.
type boundStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *boundStream) Context() context.Context { return s.ctx }

// options are what the plugin's gRPC server needs, however it is reached.
func (l *life) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxReceive),
		grpc.ChainUnaryInterceptor(l.unary),
		grpc.ChainStreamInterceptor(l.streaming),
	}
}

// maxReceive is the size of the largest message from the core, in bytes: a table of a hundred thousand real servers fits.
const maxReceive = 64 << 20
