package engine

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestTheFirstProbeDecidesAnUnknownTarget(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		up, down := server(1), server(2)
		up.Fall, up.Rise, down.Fall, down.Rise = 5, 5, 5, 5
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == down.ID {
				return errRefused
			}
			return nil
		})
		w.watch()
		w.Apply(1, true, []Target{up, down}, nil)
		w.pass(time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: up", "web/2: down: connection refused"})
	})
}

func TestFallFailuresInARowTakeATargetDownAndRiseSuccessesInARowUp(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Fall, s.Rise, s.Initial = time.Second, 3, 2, StateUp
		results := []error{nil, errRefused, errRefused, nil, errRefused, errRefused, errRefused, nil, errRefused, nil, nil}
		//                 0s   1s          2s          3s   4s          5s          6s: down    7s   8s          9s   10s: up
		n := -1
		w.answers(func(context.Context, Target) error { n++; return results[n] })
		w.watch()
		w.said()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(5500 * time.Millisecond)
		equal(t, "verdicts before the third failure in a row", w.said(), []string(nil))
		w.pass(time.Second)
		equal(t, "verdicts after it", w.said(), []string{"web/1: down: connection refused"})
		w.pass(3 * time.Second)
		equal(t, "verdicts before the second success in a row", w.said(), []string(nil))
		w.pass(time.Second)
		equal(t, "verdicts after it", w.said(), []string{"web/1: up"})
	})
}

func TestVerdictsAreReportedOnlyWhenTheyChange(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.Apply(1, true, servers(3), nil)
		w.watch()
		w.pass(time.Hour)
		w.said()
		w.pass(time.Hour)
		equal(t, "verdicts in an hour without changes", w.said(), []string(nil))
	})
}

func TestAVerdictSaysSinceWhen(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Fall, s.Initial = 2, StateUp
		w.answers(always(errRefused))
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		equal(t, "since of an initial state", w.told()[0].Verdicts[0].Since, time.Time{})
		w.pass(11 * time.Second)
		var last Verdict
		for _, r := range w.told() {
			for _, v := range r.Verdicts {
				last = v
			}
		}
		equal(t, "since", last.Since, w.start.Add(10*time.Second))
	})
}

func TestInitialKeepsTheVerdictOverARestart(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		up, down := server(1), server(2)
		up.Fall, up.Initial = 2, StateUp
		down.Rise, down.Initial = 2, StateDown
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == up.ID {
				return errRefused
			}
			return nil
		})
		w.Apply(1, true, []Target{up, down}, nil)
		w.watch()
		w.pass(9 * time.Second)
		equal(t, "verdicts after one result against each", w.said(), []string{"web/1: up", "web/2: down"})
		w.pass(10 * time.Second)
		equal(t, "verdicts after two", w.said(), []string{"web/1: down: connection refused", "web/2: up"})
	})
}

func TestTheRetryIntervalHoldsWhileResultsContradictTheVerdict(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Retry, s.Fall, s.Rise, s.Initial = 10*time.Second, time.Second, 3, 3, StateUp
		w.answers(func(context.Context, Target) error {
			if at := time.Since(w.start); at >= 10*time.Second && at < 40*time.Second {
				return errRefused
			}
			return nil
		})
		w.Apply(1, true, []Target{s}, nil)
		w.pass(65 * time.Second)
		equal(t, "probes", w.probed(s.ID), seconds(
			0, 10, // up
			11, 12, // up, and contradicted; down at 12
			20, 30, 40, // down, back at its phase; at 40 contradicted
			41, 42, // up at 42
			50, 60))
	})
}

func TestAfterCloseNothingHappens(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		var err error
		var reports int
		w.answers(func(ctx context.Context, t Target) error { <-ctx.Done(); return ctx.Err() })
		w.Apply(1, true, servers(3), nil)
		go func() { err = w.Watch(t.Context(), func(r Report) { reports++ }) }()
		w.pass(time.Second)
		before := time.Now()
		w.Close()
		equal(t, "time that Close takes", time.Since(before), time.Duration(0))
		w.pass(time.Minute)
		w.Apply(2, true, servers(5), nil)
		w.pass(time.Minute)
		w.Close()
		equal(t, "reports", reports, 1)
		equal(t, "probed", len(w.forget()), 3)
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Watch returned %v", err)
		}
		if err := w.Watch(t.Context(), func(Report) {}); !errors.Is(err, ErrClosed) {
			t.Errorf("Watch of a closed engine returned %v", err)
		}
	})
}

func TestCloseDoesNotWaitForeverForAProbe(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		defer close(release)
		w.answers(func(context.Context, Target) error { <-release; return nil })
		w.Apply(1, true, servers(1), nil)
		w.pass(time.Second)
		before := time.Now()
		w.Close()
		equal(t, "time that Close takes", time.Since(before), closeWait)
	})
}
