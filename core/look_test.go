package core

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A slow balancer reads its table in some time, and counts how often.
type slow struct {
	sdk.Balancer
	takes time.Duration
	reads atomic.Uint32
	err   error
}

func (s *slow) Read(ctx context.Context) (sdk.Observed, error) {
	o := sdk.Observed{Connections: s.reads.Add(1)}
	select {
	case <-time.After(s.takes):
		return o, s.err
	case <-ctx.Done():
		return o, ctx.Err()
	}
}

func TestABalancerThatAnswersInTimeIsReadForEveryoneWhoAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b := &looker{}, &slow{takes: time.Second}
		for i := range uint32(2) {
			if h := l.at(t.Context(), b); h.Connections != i+1 || !h.read.Equal(time.Now()) || h.problem != "" {
				t.Errorf("look %d: %+v", i+1, h)
			}
		}
	})
}

func TestASlowBalancerIsNotWaitedForAndWhatItHeldLastIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b := &looker{}, &slow{takes: 10 * time.Second}
		asked := time.Now()
		if h := l.at(t.Context(), b); !h.read.IsZero() || h.problem != "" || time.Since(asked) != lookPatience {
			t.Errorf("after %v: %+v", time.Since(asked), h)
		}
		if l.at(t.Context(), b); b.reads.Load() != 1 {
			t.Errorf("it was asked %d times at once", b.reads.Load())
		}
		time.Sleep(10 * time.Second)
		first := asked.Add(b.takes)
		if h := l.at(t.Context(), b); h.Connections != 1 || !h.read.Equal(first) || h.problem != "" {
			t.Errorf("while it is read again: %+v, want the table of %v", h, first)
		}
		time.Sleep(b.takes)
	})
}

func TestATableThatIsNotReadForLongIsAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b := &looker{}, &slow{takes: time.Hour}
		l.at(t.Context(), b)
		time.Sleep(lookTrouble)
		if h := l.at(t.Context(), b); !strings.Contains(h.problem, "34s ago") {
			t.Errorf("the problem is %q", h.problem)
		}
		time.Sleep(applyTimeout)
		if h := l.at(t.Context(), b); !strings.Contains(h.problem, "could not be read") {
			t.Errorf("after the read was given up, the problem is %q", h.problem)
		}
		time.Sleep(applyTimeout)
	})
}

func TestAReadThatFailsIsAProblemUntilOneSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b := &looker{}, &slow{}
		l.at(t.Context(), b)
		read := time.Now()
		time.Sleep(time.Minute)
		b.err = errors.New("no such family")
		if h := l.at(t.Context(), b); !h.read.Equal(read) || !strings.Contains(h.problem, "could not be read: no such family") {
			t.Errorf("failing: %+v", h)
		}
		b.err = nil
		if h := l.at(t.Context(), b); h.problem != "" || h.Connections != 3 {
			t.Errorf("mended: %+v", h)
		}
	})
}

func TestAnotherIncarnationsTableIsNotMistakenForThisOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, old, b := &looker{}, &slow{takes: 5 * time.Second}, &slow{takes: 20 * time.Second}
		l.at(t.Context(), old)
		if h := l.at(t.Context(), b); !h.read.IsZero() {
			t.Errorf("the new one: %+v", h)
		}
		time.Sleep(5 * time.Second) // the old one has answered
		if h := l.at(t.Context(), b); !h.read.IsZero() || b.reads.Load() != 1 {
			t.Errorf("the new one has read %d times: %+v", b.reads.Load(), h)
		}
		time.Sleep(b.takes)
	})
}
