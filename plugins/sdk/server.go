package sdk

import (
	"context"
	"errors"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// What follows adapts the interfaces to gRPC on the plugin's side; client.go and those beside it do so on the core's.

// A holder has the implementation of a service, once there is one: services are registered before the core has said
// what the implementation must know.
type holder[T any] struct{ impl atomic.Pointer[T] }

func (h *holder[T]) set(v T) { h.impl.Store(&v) }

func (h *holder[T]) get() (v T, err error) {
	p := h.impl.Load()
	if p == nil {
		return v, status.Error(codes.Unavailable, "the plugin has not been asked to Describe itself yet")
	}
	return *p, nil
}

// refused is the answer to a request that makes no sense.
func refused(err error) error { return status.Error(codes.InvalidArgument, err.Error()) }

// failed is the answer when the author's code has returned err, which may be nil.
func failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNeedFull):
		return status.Error(codes.FailedPrecondition, err.Error())
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, text(err.Error()))
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, text(err.Error()))
	}
	return status.Error(codes.Unknown, text(err.Error()))
}

// stream calls watch with a context that also ends when a message could not be sent, and sends what it reports.
func stream[R any, M any](s grpc.ServerStreamingServer[M], watch func(context.Context, func(R)) error, messages func(R) []*M) error {
	ctx, cancel := context.WithCancelCause(s.Context())
	defer cancel(nil)
	err := watch(ctx, func(r R) {
		for _, m := range messages(r) {
			if ctx.Err() != nil {
				return
			}
			if err := s.Send(m); err != nil {
				cancel(err)
			}
		}
	})
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return failed(err)
}

// one makes a list of one message.
func one[R, M any](f func(R) *M) func(R) []*M {
	return func(r R) []*M { return []*M{f(r)} }
}

type checkServer struct {
	pluginv1.UnimplementedCheckServiceServer
	*holder[Checker]
}

func registerCheck(s grpc.ServiceRegistrar, h *holder[Checker]) {
	pluginv1.RegisterCheckServiceServer(s, &checkServer{holder: h})
}

func (s *checkServer) Apply(ctx context.Context, m *pluginv1.CheckServiceApplyRequest) (*pluginv1.CheckServiceApplyResponse, error) {
	impl, err := s.get()
	if err != nil {
		return nil, err
	}
	u, err := targetUpdateIn(m)
	if err != nil {
		return nil, refused(err)
	}
	return &pluginv1.CheckServiceApplyResponse{}, failed(impl.Apply(ctx, u))
}

func (s *checkServer) Watch(_ *pluginv1.CheckServiceWatchRequest, ss grpc.ServerStreamingServer[pluginv1.CheckServiceWatchResponse]) error {
	impl, err := s.get()
	if err != nil {
		return err
	}
	return stream(ss, impl.Watch, checkReportOut)
}

func (s *checkServer) Probe(ctx context.Context, m *pluginv1.CheckServiceProbeRequest) (*pluginv1.CheckServiceProbeResponse, error) {
	impl, err := s.get()
	if err != nil {
		return nil, err
	}
	t, err := targetIn(m.GetTarget())
	if err != nil {
		return nil, refused(err)
	}
	if err := impl.Probe(ctx, t); err != nil {
		return &pluginv1.CheckServiceProbeResponse{Reason: text(err.Error())}, nil
	}
	return &pluginv1.CheckServiceProbeResponse{Up: true}, nil
}

type balancerServer struct {
	pluginv1.UnimplementedBalancerServiceServer
	*holder[Balancer]
}

func registerBalancer(s grpc.ServiceRegistrar, h *holder[Balancer]) {
	pluginv1.RegisterBalancerServiceServer(s, &balancerServer{holder: h})
}

func (s *balancerServer) Apply(ctx context.Context, m *pluginv1.BalancerServiceApplyRequest) (*pluginv1.BalancerServiceApplyResponse, error) {
	impl, err := s.get()
	if err != nil {
		return nil, err
	}
	u, err := tableUpdateIn(m)
	if err != nil {
		return nil, refused(err)
	}
	r, err := impl.Apply(ctx, u)
	if err != nil {
		return nil, failed(err)
	}
	return applyResultOut(r), nil
}

func (s *balancerServer) Read(_ *pluginv1.BalancerServiceReadRequest, ss grpc.ServerStreamingServer[pluginv1.BalancerServiceReadResponse]) error {
	impl, err := s.get()
	if err != nil {
		return err
	}
	o, err := impl.Read(ss.Context())
	if err != nil {
		return failed(err)
	}
	for _, m := range observedOut(o) {
		if err := ss.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func (s *balancerServer) Watch(_ *pluginv1.BalancerServiceWatchRequest, ss grpc.ServerStreamingServer[pluginv1.BalancerServiceWatchResponse]) error {
	impl, err := s.get()
	if err != nil {
		return err
	}
	return stream(ss, impl.Watch, one(balancerReportOut))
}

type vrrpServer struct {
	pluginv1.UnimplementedVRRPServiceServer
	*holder[VRRP]
}

func registerVRRP(s grpc.ServiceRegistrar, h *holder[VRRP]) {
	pluginv1.RegisterVRRPServiceServer(s, &vrrpServer{holder: h})
}

func (s *vrrpServer) Apply(ctx context.Context, m *pluginv1.VRRPServiceApplyRequest) (*pluginv1.VRRPServiceApplyResponse, error) {
	impl, err := s.get()
	if err != nil {
		return nil, err
	}
	instances, err := eachIn(m.GetInstances(), instanceIn)
	if err != nil {
		return nil, refused(err)
	}
	return &pluginv1.VRRPServiceApplyResponse{}, failed(impl.Apply(ctx, instances))
}

func (s *vrrpServer) Watch(_ *pluginv1.VRRPServiceWatchRequest, ss grpc.ServerStreamingServer[pluginv1.VRRPServiceWatchResponse]) error {
	impl, err := s.get()
	if err != nil {
		return err
	}
	return stream(ss, impl.Watch, one(vrrpReportOut))
}

func (s *vrrpServer) Status(ctx context.Context, _ *pluginv1.VRRPServiceStatusRequest) (*pluginv1.VRRPServiceStatusResponse, error) {
	impl, err := s.get()
	if err != nil {
		return nil, err
	}
	st, err := impl.Status(ctx)
	if err != nil {
		return nil, failed(err)
	}
	return vrrpStatusOut(st), nil
}

func (s *vrrpServer) Command(ctx context.Context, m *pluginv1.VRRPServiceCommandRequest) (*pluginv1.VRRPServiceCommandResponse, error) {
	impl, err := s.get()
	if err != nil {
		return nil, err
	}
	c := VRRPCommand{Instance: m.GetInstance(), Action: m.GetAction()}
	return &pluginv1.VRRPServiceCommandResponse{}, failed(impl.Command(ctx, c))
}

type notifyServer struct {
	pluginv1.UnimplementedNotifyServiceServer
	*holder[Notifier]
}

func registerNotify(s grpc.ServiceRegistrar, h *holder[Notifier]) {
	pluginv1.RegisterNotifyServiceServer(s, &notifyServer{holder: h})
}

func (s *notifyServer) Deliver(ctx context.Context, m *pluginv1.NotifyServiceDeliverRequest) (*pluginv1.NotifyServiceDeliverResponse, error) {
	impl, err := s.get()
	if err != nil {
		return nil, err
	}
	d, err := deliveryIn(m)
	if err != nil {
		return nil, refused(err)
	}
	return &pluginv1.NotifyServiceDeliverResponse{}, failed(impl.Deliver(ctx, d))
}

type provisionServer struct {
	pluginv1.UnimplementedProvisionServiceServer
	*holder[Provisioner]
}

func registerProvision(s grpc.ServiceRegistrar, h *holder[Provisioner]) {
	pluginv1.RegisterProvisionServiceServer(s, &provisionServer{holder: h})
}

func (s *provisionServer) Apply(m *pluginv1.ProvisionServiceApplyRequest, ss grpc.ServerStreamingServer[pluginv1.ProvisionServiceApplyResponse]) error {
	impl, err := s.get()
	if err != nil {
		return err
	}
	servers, err := eachIn(m.GetServers(), provisioningIn)
	if err != nil {
		return refused(err)
	}
	apply := func(ctx context.Context, report func(ProvisionReport)) error {
		return impl.Apply(ctx, servers, m.GetPlan(), report)
	}
	return stream(ss, apply, one(provisionReportOut))
}
