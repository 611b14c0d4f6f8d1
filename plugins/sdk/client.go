package sdk

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// A CallError is what came of a call that the plugin did not carry out, or did not answer. errors.Is knows it as
// context.DeadlineExceeded or context.Canceled where that is what happened.
type CallError struct {
	Code    codes.Code
	Message string
}

// Error returns the plugin's own words.
func (e *CallError) Error() string {
	if e.Code == codes.Unknown {
		return e.Message
	}
	return e.Code.String() + ": " + e.Message
}

// Is says whether target is the context's error that stands behind this one.
func (e *CallError) Is(target error) bool {
	return target == context.Canceled && e.Code == codes.Canceled ||
		target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded
}

// called turns a gRPC error into a CallError; nil stays nil.
func called(err error) error {
	if err == nil {
		return nil
	}
	s := status.Convert(err)
	return &CallError{s.Code(), s.Message()}
}

// errGone is what a watch ends with when the plugin has ended it.
var errGone = &CallError{codes.Unavailable, "the plugin has ended the stream"}

// receive calls take with each message of a stream until it ends, and returns why it did.
func receive[M any](s grpc.ServerStreamingClient[M], err error, take func(*M) error) error {
	if err != nil {
		return called(err)
	}
	for {
		m, err := s.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return errGone
		case err != nil:
			return called(err)
		}
		if err := take(m); err != nil {
			return err
		}
	}
}

// A DownError is what Probe of a check plugin returns when the target is down, as opposed to a plugin that did not answer.
type DownError struct{ Reason string }

// Error returns the reason.
func (e *DownError) Error() string { return e.Reason }

type checkClient struct{ c pluginv1.CheckServiceClient }

// NewCheckerClient returns the Checker at the other end of a connection.
func NewCheckerClient(cc grpc.ClientConnInterface) Checker {
	return &checkClient{pluginv1.NewCheckServiceClient(cc)}
}

func (c *checkClient) Apply(ctx context.Context, u TargetUpdate) error {
	_, err := c.c.Apply(ctx, targetUpdateOut(u))
	return called(err)
}

func (c *checkClient) Watch(ctx context.Context, report func(CheckReport)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var r CheckReport
	s, err := c.c.Watch(ctx, &pluginv1.CheckServiceWatchRequest{})
	return receive(s, err, func(m *pluginv1.CheckServiceWatchResponse) error {
		if err := checkReportIn(&r, m); err != nil {
			return err
		}
		if len(r.Verdicts) > maxReport || len(r.Summaries) > maxReport {
			return &CallError{codes.ResourceExhausted, "the plugin's report has no end"}
		}
		if !m.GetMore() {
			report(r)
			r = CheckReport{}
		}
		return nil
	})
}

// maxReport bounds the targets of one plugin.
const maxReport = 1 << 20

func (c *checkClient) Probe(ctx context.Context, t Target) error {
	m, err := c.c.Probe(ctx, &pluginv1.CheckServiceProbeRequest{Target: targetOut(t)})
	switch {
	case err != nil:
		return called(err)
	case !m.GetUp():
		return &DownError{text(m.GetReason())}
	}
	return nil
}

type balancerClient struct {
	c pluginv1.BalancerServiceClient
}

// NewBalancerClient returns the Balancer at the other end of a connection.
func NewBalancerClient(cc grpc.ClientConnInterface) Balancer {
	return &balancerClient{pluginv1.NewBalancerServiceClient(cc)}
}

func (c *balancerClient) Apply(ctx context.Context, u TableUpdate) (ApplyResult, error) {
	m, err := c.c.Apply(ctx, tableUpdateOut(u))
	if status.Code(err) == codes.FailedPrecondition {
		return ApplyResult{}, ErrNeedFull
	}
	if err != nil {
		return ApplyResult{}, called(err)
	}
	return applyResultIn(m)
}

func (c *balancerClient) Read(ctx context.Context) (o Observed, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first := true
	s, err := c.c.Read(ctx, &pluginv1.BalancerServiceReadRequest{})
	err = receive(s, err, func(m *pluginv1.BalancerServiceReadResponse) error {
		err := observedIn(&o, first, m)
		first = false
		return err
	})
	if err == errGone && !first { // the end of the table
		return o, nil
	}
	return Observed{}, err
}

func (c *balancerClient) Watch(ctx context.Context, report func(BalancerReport)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.c.Watch(ctx, &pluginv1.BalancerServiceWatchRequest{})
	return receive(s, err, func(m *pluginv1.BalancerServiceWatchResponse) error {
		r, err := balancerReportIn(m)
		if err == nil {
			report(r)
		}
		return err
	})
}

type vrrpClient struct{ c pluginv1.VRRPServiceClient }

// NewVRRPClient returns the VRRP at the other end of a connection.
func NewVRRPClient(cc grpc.ClientConnInterface) VRRP {
	return &vrrpClient{pluginv1.NewVRRPServiceClient(cc)}
}

func (c *vrrpClient) Apply(ctx context.Context, instances []VRRPInstance) error {
	_, err := c.c.Apply(ctx, &pluginv1.VRRPServiceApplyRequest{Instances: each(instances, instanceOut)})
	return called(err)
}

func (c *vrrpClient) Watch(ctx context.Context, report func(VRRPReport)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.c.Watch(ctx, &pluginv1.VRRPServiceWatchRequest{})
	return receive(s, err, func(m *pluginv1.VRRPServiceWatchResponse) error {
		r, err := vrrpReportIn(m)
		if err == nil {
			report(r)
		}
		return err
	})
}

func (c *vrrpClient) Status(ctx context.Context) (VRRPStatus, error) {
	m, err := c.c.Status(ctx, &pluginv1.VRRPServiceStatusRequest{})
	if err != nil {
		return VRRPStatus{}, called(err)
	}
	return vrrpStatusIn(m)
}

func (c *vrrpClient) Command(ctx context.Context, command VRRPCommand) error {
	_, err := c.c.Command(ctx, &pluginv1.VRRPServiceCommandRequest{Instance: command.Instance, Action: command.Action})
	return called(err)
}

type notifyClient struct{ c pluginv1.NotifyServiceClient }

// NewNotifierClient returns the Notifier at the other end of a connection.
func NewNotifierClient(cc grpc.ClientConnInterface) Notifier {
	return &notifyClient{pluginv1.NewNotifyServiceClient(cc)}
}

func (c *notifyClient) Deliver(ctx context.Context, d Delivery) error {
	_, err := c.c.Deliver(ctx, deliveryOut(d))
	return called(err)
}

type provisionClient struct {
	c pluginv1.ProvisionServiceClient
}

// NewProvisionerClient returns the Provisioner at the other end of a connection.
func NewProvisionerClient(cc grpc.ClientConnInterface) Provisioner {
	return &provisionClient{pluginv1.NewProvisionServiceClient(cc)}
}

func (c *provisionClient) Apply(ctx context.Context, servers []Provisioning, plan bool, report func(ProvisionReport)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.c.Apply(ctx, &pluginv1.ProvisionServiceApplyRequest{Servers: each(servers, provisioningOut), Plan: plan})
	err = receive(s, err, func(m *pluginv1.ProvisionServiceApplyResponse) error {
		r, err := provisionReportIn(m)
		if err == nil {
			report(r)
		}
		return err
	})
	if err == errGone { // done
		return nil
	}
	return err
}
