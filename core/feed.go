package core

import (
	"context"
	"sync"
)

// A feed carries a stream of updates from the loop to one plugin, which may be slower than the loop, dead, or not yet
// started. Updates wait in order; when too many wait, or when a new incarnation of the plugin begins, one full update takes
// their place. The loop never blocks on it and never remembers what was sent.
type feed[U any] struct {
	mu      sync.Mutex
	waiting []U
	full    bool          // in place of what waits, the whole state is wanted
	wake    chan struct{} // holds a token while there is something to take
}

// feedLimit is how many updates may wait before a full one is cheaper. A full update of ten thousand real servers costs
// about as much as this many small ones.
const feedLimit = 256

func newFeed[U any]() *feed[U] {
	return &feed[U]{full: true, wake: make(chan struct{}, 1)}
}

// put adds an update. It is dropped when a full one is due anyway.
func (f *feed[U]) put(u U) {
	f.mu.Lock()
	if !f.full {
		f.waiting = append(f.waiting, u)
		if len(f.waiting) > feedLimit {
			f.waiting, f.full = nil, true
		}
	}
	f.mu.Unlock()
	f.signal()
}

// needFull makes the next thing taken the whole state.
func (f *feed[U]) needFull() {
	f.mu.Lock()
	f.waiting, f.full = nil, true
	f.mu.Unlock()
	f.signal()
}

// take returns what is to be sent: updates in order, or full. The caller asks the loop for the full one after this
// returned, so that every update that was put before is in it, and ones put after it carry on from it.
func (f *feed[U]) take() (updates []U, full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	updates, full = f.waiting, f.full
	f.waiting, f.full = nil, false
	return updates, full
}

func (f *feed[U]) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// pump sends what there is to send until ctx ends or send fails. full has the loop make a full update and says false when
// that is not to be had any more.
func (f *feed[U]) pump(ctx context.Context, full func() (U, bool), send func(U) error) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.wake:
		}
		updates, whole := f.take()
		if whole {
			u, ok := full()
			if !ok {
				return ctx.Err()
			}
			updates = []U{u}
		}
		for _, u := range updates {
			if err := send(u); err != nil {
				return err
			}
		}
	}
}
