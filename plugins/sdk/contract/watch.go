package contract

import (
	"context"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A watch collects reports of a check plugin.
type watch struct {
	mu       sync.Mutex
	reports  []sdk.CheckReport
	states   map[string]sdk.Verdict // the last of each target
	verdicts int                    // beside the snapshot's
	more     chan struct{}
	ended    chan error
	stop     context.CancelFunc
}

// watch begins one.
func (s *Subject) watch(ctx context.Context) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{states: make(map[string]sdk.Verdict), more: make(chan struct{}, 1), ended: make(chan error, 1), stop: cancel}
	go func() {
		w.ended <- sdk.NewCheckerClient(s.Conn).Watch(ctx, func(r sdk.CheckReport) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reports = append(w.reports, r)
			if !r.Snapshot {
				w.verdicts += len(r.Verdicts)
			}
			for _, v := range r.Verdicts {
				w.states[v.TargetID] = v
			}
			select {
			case w.more <- struct{}{}:
			default:
			}
		})
	}()
	return w
}

// until waits until the watch is so, and says whether it is.
func (w *watch) until(so func() bool) bool {
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	for {
		w.mu.Lock()
		done := so()
		w.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-w.more:
		case <-limit.C:
			return false
		}
	}
}

// decided waits for the kit's two targets, and complains of what the plugin says of them.
func (w *watch) decided(c *complaints) {
	w.until(func() bool {
		return w.states["up"].State == sdk.StateUp && w.states["down"].State == sdk.StateDown
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.states["up"]; v.State != sdk.StateUp {
		c.add("the target that is up is %s: %s", v.State, v.Reason)
	}
	down := w.states["down"]
	if down.State != sdk.StateDown {
		c.add("the target that is down is %s", down.State)
	}
	reasonable(c, down.Reason)
	if since := time.Since(down.Since); since < -time.Second || since > 4*Patience {
		c.add("the target is down since %s", down.Since)
	}
}
