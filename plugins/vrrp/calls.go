package vrrp

import (
	"context"
	"errors"

	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// errEnded is what is said of a loop that is gone.
var errEnded = errors.New("the vrrp plugin is stopping")

// do has the loop call f, and waits for it.
func (l *loop) do(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	l.mu.Lock()
	l.calls = append(l.calls, func() { done <- f() })
	l.mu.Unlock()
	l.poller.Wake()
	select {
	case err := <-done:
		return err
	case <-l.ended:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// called does what other goroutines have asked for.
func (l *loop) called() {
	l.mu.Lock()
	calls := l.calls
	l.calls = nil
	l.mu.Unlock()
	for _, f := range calls {
		f()
	}
}

// stop ends the loop. With release the roles are given away first.
func (l *loop) stop(ctx context.Context, release bool) error {
	err := l.do(ctx, func() error {
		if release {
			l.release()
		}
		l.leaving = true
		return nil
	})
	if errors.Is(err, errEnded) {
		return nil
	}
	select {
	case <-l.ended:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return err
}

// release gives every role away, and removes all that is ours from the kernel, a predecessor's too: the core starts a plugin
// for that alone when one that held something has died while it was to stop.
func (l *loop) release() {
	l.carry(wire.Now(), l.router.Stop(wire.Now(), l.actions[:0]))
	for _, c := range l.kernel.Sweep() {
		l.log.Info("a predecessor has left it", "done", c.String())
	}
	if err := l.keep.Remove(); err != nil {
		l.log.Error("forgetting what was held", "error", err)
	}
	if _, err := l.macs.Sweep(); err != nil {
		l.log.Error("removing virtual MACs", "error", err)
	}
	if _, err := l.refusal.Apply(nil); err != nil {
		l.log.Error("removing the packet filter", "error", err)
	}
}
