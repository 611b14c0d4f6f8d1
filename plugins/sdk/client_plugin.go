package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// A PluginClient is the side of a plugin that all kinds have in common, as the core sees it.
type PluginClient struct{ c pluginv1.PluginServiceClient }

// NewPluginClient returns the plugin at the other end of a connection.
func NewPluginClient(cc grpc.ClientConnInterface) *PluginClient {
	return &PluginClient{pluginv1.NewPluginServiceClient(cc)}
}

// A PreconditionError is a plugin's word that it can't do its work on this machine, and what is missing.
type PreconditionError struct{ Message string }

// Error returns the plugin's message.
func (e *PreconditionError) Error() string { return e.Message }

// Describe introduces the core and asks the plugin what it is. A plugin that can't work on this machine answers with a
// PreconditionError. What the plugin says of itself is checked, its schema included.
func (c *PluginClient) Describe(ctx context.Context, coreVersion string, dryRun bool) (Info, error) {
	m, err := c.c.Describe(ctx, &pluginv1.DescribeRequest{CoreVersion: coreVersion, DryRun: dryRun})
	if err, ok := called(err).(*CallError); ok {
		if err.Code == codes.FailedPrecondition {
			return Info{}, &PreconditionError{text(err.Message)}
		}
		return Info{}, err
	}
	i, err := infoIn(m)
	if err != nil {
		return Info{}, err
	}
	if err := i.Check(); err != nil {
		return Info{}, err
	}
	if want := serviceOf[i.Kind]; !slices.Contains(m.GetServices(), want) {
		return Info{}, fmt.Errorf("a %s plugin without the service %s", i.Kind, want)
	}
	return i, nil
}

// serviceOf has each kind's service.
var serviceOf = map[Kind]string{
	KindCheck:     pluginv1.CheckService_ServiceDesc.ServiceName,
	KindBalancer:  pluginv1.BalancerService_ServiceDesc.ServiceName,
	KindVRRP:      pluginv1.VRRPService_ServiceDesc.ServiceName,
	KindNotify:    pluginv1.NotifyService_ServiceDesc.ServiceName,
	KindProvision: pluginv1.ProvisionService_ServiceDesc.ServiceName,
}

// Validate asks the plugin about the values of one configuration block.
func (c *PluginClient) Validate(ctx context.Context, config json.RawMessage) ([]Diagnostic, error) {
	m, err := c.c.Validate(ctx, &pluginv1.ValidateRequest{ConfigJson: config})
	if err != nil {
		return nil, called(err)
	}
	return each(m.GetDiagnostics(), diagnosticIn), nil
}

// Stop asks the plugin to finish and exit within a time, giving up what it holds in the world if release is set.
func (c *PluginClient) Stop(ctx context.Context, within time.Duration, release bool) error {
	_, err := c.c.Stop(ctx, &pluginv1.StopRequest{Within: durationpb.New(within), Release: release})
	return called(err)
}

// Session holds the plugin's lease: it sends a beat every so often and expects it back. It returns when ctx ends, when
// the stream breaks, and when the plugin has been silent for the given time. log, if not nil, gets the lines that the
// plugin could not write to its stderr.
func (c *PluginClient) Session(ctx context.Context, every, silence time.Duration, log func(line []byte)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s, err := c.c.Session(ctx)
	if err != nil {
		return called(err)
	}

	answered := make(chan struct{}, 1)
	received := make(chan struct{})
	defer func() { cancel(nil); <-received }()
	go func() {
		defer close(received)
		for {
			m, err := s.Recv()
			if err != nil {
				cancel(called(err))
				return
			}
			for _, line := range m.GetLog() {
				if log != nil {
					log(line)
				}
			}
			select {
			case answered <- struct{}{}:
			default:
			}
		}
	}()

	tick := time.NewTicker(every)
	defer tick.Stop()
	limit := time.NewTimer(silence)
	defer limit.Stop()
	unanswered := 0 // beats
	for beat := uint64(1); ; {
		if err := s.Send(&pluginv1.SessionRequest{Beat: beat}); err != nil {
			<-received // which knows why
			return context.Cause(ctx)
		}
		beat++
		unanswered++
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-limit.C:
				more := stoodStill(unanswered, every, silence)
				if more <= 0 && len(answered) == 0 {
					return fmt.Errorf("no answer for %s", silence)
				}
				limit.Reset(max(more, every))
			case <-answered:
				unanswered = 0
				limit.Reset(silence)
			case <-tick.C:
				waiting = false
			}
		}
	}
}

// stoodStill says how much longer a plugin is waited for after its time of silence, in which so many beats were sent to it.
// When they are less than half of those that there is time for, this process itself has stood still, as on a machine that
// was suspended or has far too much to do, and the plugin may have, too.
func stoodStill(unanswered int, every, silence time.Duration) time.Duration {
	if asked := time.Duration(unanswered) * every; asked < silence/2 {
		return silence - asked
	}
	return 0
}
