package engine

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestATargetThatTakesLongerThanItsTimeOutHasFailed(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, t Target) error { <-ctx.Done(); return ctx.Err() })
		w.watch()
		w.Apply(1, true, []Target{server(1)}, nil)
		w.pass(2900 * time.Millisecond)
		equal(t, "verdicts before the time-out", w.said(), []string(nil))
		w.pass(100 * time.Millisecond)
		equal(t, "verdicts at the time-out", w.said(), []string{"web/1: down: timeout after 3s"})
	})
}

func TestASuccessAfterTheTimeOutIsAFailure(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(context.Context, Target) error { time.Sleep(3010 * time.Millisecond); return nil })
		w.watch()
		w.Apply(1, true, []Target{server(1)}, nil)
		w.pass(4 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: timeout after 3s"})
	})
}

func TestAProbesOwnWordsForATimeOutAreKept(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, t Target) error {
			<-ctx.Done()
			return fmt.Errorf("no answer to GET /: %w", ctx.Err())
		})
		w.watch()
		w.Apply(1, true, []Target{server(1)}, nil)
		w.pass(3 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: no answer to GET /: context deadline exceeded"})
	})
}

func TestAProbeThatPanicsHasFailed(t *testing.T) {
	inWorld(t, Config{Concurrency: 1}, func(t *testing.T, w *world) {
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == "web/0" {
				panic("index out of range\x1b[2J")
			}
			return nil
		})
		w.watch()
		w.said()
		w.Apply(1, true, servers(2), nil)
		w.pass(9 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/0: down: the probe panicked: index out of range [2J", "web/1: up"})
	})
}

func TestAProbeThatEndsItsGoroutineHasFailedAndTheWorkGoesOn(t *testing.T) {
	inWorld(t, Config{Concurrency: 1}, func(t *testing.T, w *world) {
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == "web/0" {
				(&testing.T{}).SkipNow() // runtime.Goexit
			}
			return nil
		})
		w.watch()
		w.said()
		w.Apply(1, true, servers(2), nil)
		w.pass(25 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/0: down: the probe ended its goroutine", "web/1: up"})
		equal(t, "probes", w.probed("web/0"), seconds(0, 10, 20))
	})
}

func TestAProbeThatIgnoresItsContextStopsNothingElse(t *testing.T) {
	inWorld(t, Config{Concurrency: 1}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == "web/0" {
				<-release
			}
			return nil
		})
		ts := servers(2)
		ts[0].Initial, ts[0].Fall = StateUp, 3
		w.Apply(1, true, ts, nil)
		w.watch()
		w.said()
		w.pass(11 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: up"})
		w.pass(20 * time.Second)
		equal(t, "verdicts: each interval without an end is a failure", w.said(),
			[]string{"web/0: down: the probe is still busy after 23.1s"})
		equal(t, "probes of the one that hangs", w.probed("web/0"), seconds(0))

		close(release)
		w.pass(20 * time.Second)
		equal(t, "verdicts when it ends, and the next succeeds", w.said(), []string{"web/0: up"})
		equal(t, "its probes", w.probed("web/0"), seconds(33.1, 40, 50))
	})
}

func TestAProbeThatEndsALittleTooLateIsOneFailure(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Timeout, s.Fall, s.Initial = time.Second, time.Second, 3, StateUp
		w.answers(func(context.Context, Target) error { time.Sleep(1500 * time.Millisecond); return nil })
		w.watch()
		w.said()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(4 * time.Second) // two such probes, at 0 and 2.1 s
		equal(t, "verdicts", w.said(), []string(nil))
		w.pass(1400 * time.Millisecond) // and the third, at 4.2 s, over at 5.2 s and given up at 5.3 s
		equal(t, "verdicts", w.said(), []string{"web/1: down: timeout after 1s"})
		equal(t, "probes", w.probed(s.ID), seconds(0, 2.1, 4.2))
	})
}

func TestProbesThatNeverEndAreBounded(t *testing.T) {
	inWorld(t, Config{Concurrency: 5}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		defer close(release)
		w.answers(func(context.Context, Target) error { <-release; return nil })
		w.Apply(1, true, servers(100), nil)
		w.pass(time.Hour)
		equal(t, "goroutines that hang", len(w.forget()), 10)
	})
}

func TestNoMoreProbesRunAtOnceThanAllowed(t *testing.T) {
	inWorld(t, Config{Concurrency: 7}, func(t *testing.T, w *world) {
		var most, now int
		w.answers(func(ctx context.Context, t Target) error {
			w.mu.Lock()
			now++
			most = max(most, now)
			w.mu.Unlock()
			time.Sleep(2 * time.Second)
			w.mu.Lock()
			now--
			w.mu.Unlock()
			return nil
		})
		w.watch()
		w.Apply(1, true, servers(50), nil)
		w.pass(16 * time.Second)
		equal(t, "most at once", most, 7)
		equal(t, "verdicts: all of them had their turn", len(w.said()), 50)
	})
}

func TestATargetSlowerThanItsIntervalIsProbedAgainWhenItIsDone(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Timeout = time.Second, 5*time.Second
		w.answers(func(context.Context, Target) error { time.Sleep(2500 * time.Millisecond); return nil })
		w.Apply(1, true, []Target{s}, nil)
		w.pass(8 * time.Second)
		equal(t, "probes", w.probed(s.ID), seconds(0, 2.5, 5, 7.5))
	})
}
