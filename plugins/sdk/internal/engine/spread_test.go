package engine

import (
	"context"
	"testing"
	"time"
)

func TestProbesAreSpreadEvenlyOverTheInterval(t *testing.T) {
	const n = 10_000
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		ts := servers(n)
		for i := range ts {
			ts[i].Interval = time.Second
		}
		w.Apply(1, true, ts, nil)
		w.pass(time.Second)
		equal(t, "targets probed within the first interval", len(w.forget()), n)
		w.pass(time.Second)
		perTick := make(map[time.Duration]int)
		for _, at := range w.forget() {
			if len(at) != 1 {
				t.Fatalf("a target was probed %d times in one interval", len(at))
			}
			perTick[at[0].Truncate(time.Millisecond)]++
		}
		for at, count := range perTick {
			if count > sharing+1 {
				t.Errorf("%d of %d probes start at %s", count, n, at)
			}
		}
	})
}

func TestAFewTargetsNeedNotWaitForTheirFirstProbe(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.Apply(1, true, servers(100), nil) // at 10 s
		w.pass(99 * time.Millisecond)
		probed := w.forget()
		equal(t, "targets probed after 0.1 s", len(probed), 100)
		equal(t, "the eleventh's first probe", probed["web/10"], seconds(0.01))
		w.pass(22 * time.Second)
		equal(t, "the eleventh's further probes, at its phase", w.probed("web/10"), seconds(1, 11, 21))
	})
}

func TestFirstProbesAreSpreadOverTheTimeThatTheTargetSays(t *testing.T) {
	for _, tt := range []struct {
		spread time.Duration
		third  []float64 // of ten targets at 10 s
	}{
		{5 * time.Second, []float64{1, 2, 12, 22, 32}}, // and then at its phase
		{30 * time.Second, []float64{6, 12, 22, 32}},
	} {
		for _, state := range []State{StateUnknown, StateUp} {
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				ts := servers(10)
				for i := range ts {
					ts[i].Spread, ts[i].Initial = tt.spread, state
				}
				w.Apply(1, true, ts, nil)
				w.pass(33 * time.Second)
				equal(t, "the third's probes", w.probed("web/2"), seconds(tt.third...))
			})
		}
	}
}

func TestPhasesStayEvenAfterAllServersFailedAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		ts := servers(10)
		for i := range ts {
			ts[i].Retry, ts[i].Fall, ts[i].Rise = 700*time.Millisecond, 3, 3
		}
		w.answers(func(context.Context, Target) error {
			if at := time.Since(w.start); at > 30*time.Second && at < 60*time.Second {
				return errRefused
			}
			return nil
		})
		w.Apply(1, true, ts, nil)
		w.pass(100*time.Second - 1)
		w.forget()
		w.pass(10 * time.Second)
		for i := range ts {
			equal(t, ts[i].ID, w.probed(ts[i].ID), seconds(100+float64(i)))
		}
	})
}

func TestNeverMoreThanAnIntervalBetweenTwoProbes(t *testing.T) {
	for due := range moment(50) {
		for phase := range moment(30) {
			target := &Target{Interval: 10}
			got := next(target, due, phase, due, false)
			if got <= due || got > due+10 || mod(got-phase, 10) != 0 {
				t.Errorf("after %d with phase %d comes %d", due, phase, got)
			}
		}
	}
}

func TestAnIntervalIsNeverMadeUpFor(t *testing.T) {
	target := &Target{Interval: 10, Retry: 3}
	if got := next(target, 0, 0, 1000, false); got != 1000 {
		t.Errorf("what was due at 10 is done at %d, now is 1000", got)
	}
	if got := next(target, 0, 0, 1000, true); got != 1000 {
		t.Errorf("what was due at 3 is done at %d, now is 1000", got)
	}
}

func TestTargetsAddedOneByOneAreProbedAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		for i, s := range servers(5) {
			w.Apply(uint64(i), false, []Target{s}, nil)
			w.pass(time.Millisecond)
			equal(t, "probed", len(w.probed(s.ID)), 1)
		}
	})
}
