package vrrp

import (
	"context"
	"errors"
	"sync"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A watcher is somebody who is told what happens. The loop never waits for one: what is not yet delivered is queued.
type watcher struct {
	mu    sync.Mutex
	queue []sdk.VRRPReport
	more  chan struct{}
	over  bool
}

func newWatcher() *watcher { return &watcher{more: make(chan struct{}, 1)} }

// watch tells a watcher of everything from now on, the state of everything first.
func (l *loop) watch(w *watcher) {
	if w.tell(l.snapshot(), nil) {
		l.watchers = append(l.watchers, w)
	}
}

// report tells all watchers.
func (l *loop) report(r sdk.VRRPReport) {
	keep := l.watchers[:0]
	for _, w := range l.watchers {
		if w.tell(r, l.snapshot) {
			keep = append(keep, w)
		}
	}
	l.watchers = keep
}

// queueMost is how many reports wait for a watcher that is slow. More become one: the state of everything.
const queueMost = 1000

// tell queues a report, and says whether anybody is there still.
func (w *watcher) tell(r sdk.VRRPReport, instead func() sdk.VRRPReport) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	if len(w.queue) >= queueMost {
		clear(w.queue)
		w.queue, r = w.queue[:0], instead()
	}
	w.queue = append(w.queue, r)
	select {
	case w.more <- struct{}{}:
	default:
	}
	return true
}

// end has the loop forget it.
func (w *watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over, w.queue = true, nil
}

// errStopped is what a watch ends with when the plugin stops.
var errStopped = errors.New("the vrrp plugin has stopped")

// deliver calls report with what is told, until ctx or the loop ends; what the loop said last is delivered still.
func (w *watcher) deliver(ctx context.Context, ended <-chan struct{}, report func(sdk.VRRPReport)) error {
	for {
		var err error
		select {
		case <-w.more:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ended:
			err = errStopped
		}
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		for _, r := range queue {
			report(r)
		}
		if err != nil {
			return err
		}
	}
}
