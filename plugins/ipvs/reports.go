package ipvs

import (
	"context"
	"sync"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// reports hands what a Balancer found to those who watch. Reports that nobody was there for wait for the next watcher.
type reports struct {
	mu      sync.Mutex
	waiting []sdk.BalancerReport
	wake    chan struct{} // closed when waiting becomes longer; nil: nobody waits
}

// keep is how many reports wait at most: the oldest go first.
const keep = 100

func (r *reports) add(report sdk.BalancerReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting = append(r.waiting, report); len(r.waiting) > keep {
		r.waiting = r.waiting[len(r.waiting)-keep:]
	}
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// take returns what waits, and a channel that is closed when there is more.
func (r *reports) take() ([]sdk.BalancerReport, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.waiting
	r.waiting = nil
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return list, r.wake
}

// Watch calls f with every report, until ctx ends.
func (b *Balancer) Watch(ctx context.Context, f func(sdk.BalancerReport)) error {
	for {
		list, more := b.reports.take()
		for _, r := range list {
			f(r)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
}

// report passes on what was found, if anything was, and logs it.
func (b *Balancer) report(r sdk.BalancerReport) {
	if len(r.Drift) == 0 && len(r.Failure) == 0 {
		return
	}
	r.Time = b.Now()
	for _, line := range r.Drift {
		b.Logger.Warn("the kernel's table was not as it should be", "difference", line)
	}
	for _, f := range r.Failure {
		args := []any{"operation", f.Operation, "error", f.Error}
		if f.Service != (sdk.ServiceKey{}) {
			args = append(args, "service", f.Service.String())
		}
		if f.Destination != "" {
			args = append(args, "real_server", f.Destination)
		}
		b.Logger.Error("the kernel's table cannot be as it should be", args...)
	}
	b.reports.add(r)
}
