package core

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

const (
	// lookPatience is how long a status waits for a balancer that reads its table. Ten thousand real servers take it a tenth
	// of a second, and some seconds where the processor is busy.
	lookPatience = 2 * time.Second
	// lookTrouble is after how long a read is something to worry about.
	lookTrouble = 30 * time.Second
)

// A looker has balancers read their table for those who ask, one read at a time. It remembers the last one for those who
// cannot wait for the next.
type looker struct {
	mu    sync.Mutex
	of    sdk.Balancer // whose table last is
	last  held
	began time.Time     // of the read that is under way
	done  chan struct{} // closed at its end; nil: none is under way
}

// A held table is what the kernel held.
type held struct {
	sdk.Observed
	read    time.Time // zero: it was not read
	problem string    // why this is not what it holds now; "": it is, as far as is known
}

// at returns what a balancer's kernel holds now, or if that takes long what it held last.
func (l *looker) at(ctx context.Context, b sdk.Balancer) held {
	wait := time.NewTimer(lookPatience)
	defer wait.Stop()
	select {
	case <-l.begin(b):
	case <-wait.C:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.last
	if l.done != nil && h.problem == "" {
		if passed := time.Since(l.began); passed >= lookTrouble {
			h.problem = fmt.Sprintf("the balancer plugin has been asked for it %v ago, and has not answered", passed.Round(time.Second))
		}
	}
	return h
}

// begin has b read its table, if that is not under way, and returns what is closed at the end of it.
func (l *looker) begin(b sdk.Balancer) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of != b {
		l.of, l.last, l.done = b, held{}, nil // another incarnation; nobody waits for the one before any more
	}
	if l.done != nil {
		return l.done
	}
	done := make(chan struct{})
	l.began, l.done = time.Now(), done
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), applyTimeout) // it ends with the plugin, too
		defer cancel()
		o, err := b.Read(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.done != done {
			return
		}
		l.done = nil
		if err != nil {
			l.last.problem = fmt.Sprintf("it could not be read: %v", status.Convert(err).Message())
			return
		}
		l.last = held{Observed: o, read: time.Now()}
	}()
	return done
}
