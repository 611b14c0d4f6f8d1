package engine

import (
	"context"
	"testing"
	"time"
)

// lose lets time pass in which nothing of this process runs, as on a machine that is paused: clocks go on, timers are late.
func (w *world) lose(d time.Duration) { w.lost.Add(int64(d)) }

func TestFirstProbesForWhichThereIsNoTimeWaitForTheirPhases(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		ts := servers(1000)
		for i := range ts {
			ts[i].Interval = 10_000 * time.Second // one phase every ten
		}
		w.Apply(1, true, ts, nil)
		w.pass(200*time.Millisecond + 1)
		equal(t, "targets probed after 0.2 s", len(w.forget()), 201)
		w.lose(500 * time.Millisecond)
		w.pass(time.Millisecond)
		equal(t, "targets probed whose turn came while nothing ran, a tenth of a second ago at most", len(w.forget()), 101)
		w.pass(299 * time.Millisecond)
		equal(t, "targets probed whose turn came later", len(w.forget()), 298)
		w.pass(9_998 * time.Second)
		probed := w.forget()
		equal(t, "targets probed at their phases, the first of all not again", len(probed), 999)
		equal(t, "one that nothing was known of until then", probed["web/400"], seconds(4000-0.5))
	})
}

func TestTargetsWithAVerdictWaitForTheirPhases(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		ts := servers(10)
		for i := range ts[:8] {
			ts[i].Initial = StateUp
		}
		w.Apply(1, true, ts, nil)
		w.pass(10*time.Second - 1)
		equal(t, "one with a verdict", w.probed("web/7"), seconds(7))
		equal(t, "the first without", w.probed("web/8"), seconds(0, 8))
		equal(t, "the second without", w.probed("web/9"), seconds(0.001, 9))
	})
}

// slow is a target with three seconds for an answer that is up and looked at every minute, and after a failure every ten seconds.
func slow() Target {
	s := server(1)
	s.Interval, s.Retry, s.Initial = time.Minute, 10*time.Second, StateUp
	return s
}

func TestATimeOutInWhichThisProcessDidNotRunDoesNotCount(t *testing.T) {
	late := func(context.Context, Target) error { time.Sleep(2050 * time.Millisecond); return nil }
	for name, test := range map[string]struct {
		answer func(context.Context, Target) error
		paused time.Duration // when, for a second
	}{
		"an answer that was seen too late":          {late, time.Second},
		"one that is the first thing that was seen": {late, 2040 * time.Millisecond},
		"no answer": {func(ctx context.Context, _ Target) error { <-ctx.Done(); return ctx.Err() }, time.Second},
		"no end":    {func(context.Context, Target) error { time.Sleep(5 * time.Second); return nil }, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				w.answers(test.answer)
				w.Apply(1, true, []Target{slow()}, nil)
				w.watch()
				w.said()
				w.pass(test.paused)
				w.lose(time.Second)
				w.pass(6 * time.Second)
				w.answers(always(nil))
				w.pass(time.Minute)
				equal(t, "verdicts", w.said(), []string(nil))
			})
		})
	}
}

func TestAfterATimeOutThatDoesNotCountTheTargetIsLookedAtAgain(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(context.Context, Target) error { time.Sleep(2050 * time.Millisecond); return nil })
		w.Apply(1, true, []Target{slow()}, nil)
		w.watch()
		w.said()
		w.pass(time.Second)
		w.lose(time.Second)
		w.pass(2 * time.Second)
		w.answers(always(errRefused))
		w.pass(10 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: connection refused"})
		equal(t, "probes, of which the second was due 10 s after the first by a clock that has gone on 1 s", w.probed("web/1"), seconds(0, 9))
	})
}

func TestATimeOutCountsWhenThisProcessWasLateForOnlyAMoment(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, _ Target) error { <-ctx.Done(); return ctx.Err() })
		w.Apply(1, true, []Target{slow()}, nil)
		w.watch()
		w.said()
		w.pass(time.Second)
		w.lose(500 * time.Millisecond)
		w.pass(3 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: timeout after 3s"})
	})
}

func TestARefusalCountsHoweverLateThisProcessWas(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(context.Context, Target) error { time.Sleep(100 * time.Millisecond); return errRefused })
		w.Apply(1, true, []Target{slow()}, nil)
		w.watch()
		w.said()
		w.pass(50 * time.Millisecond)
		w.lose(2 * time.Second)
		w.pass(time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: connection refused"})
	})
}

func TestATargetThatIsGoneGoesDownEvenIfThisProcessIsAlwaysLate(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, _ Target) error { <-ctx.Done(); return ctx.Err() })
		s := slow()
		s.Interval, s.Fall = 10*time.Second, 2
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.said()
		timeOuts := 0
		for until := 0; until < 200 && len(w.said()) == 0; until++ {
			if len(w.probed("web/1")) > 0 {
				timeOuts++
				w.pass(time.Second)
				w.lose(time.Second)
			}
			w.pass(500 * time.Millisecond)
		}
		// Three do not count, the fourth does, and then the same again.
		equal(t, "time-outs until it is down", timeOuts, 8)
	})
}

func TestTheScheduleLooksAtTheClockWhileSomethingIsProbed(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(context.Context, Target) error { time.Sleep(time.Second); return nil })
		sleeps := func() time.Duration {
			w.Engine.mu.Lock()
			defer w.Engine.mu.Unlock()
			return time.Duration(w.sleeping - w.Engine.now())
		}
		first, second := slow(), slow()
		first.Initial, first.Timeout = StateUnknown, 50*time.Second
		second.ID, second.Port = "web/2", 81
		w.Apply(1, true, []Target{first, second}, nil) // the second at 30 s
		for range 10 {
			w.pass(99 * time.Millisecond)
			if d := sleeps(); d > 100*time.Millisecond {
				t.Errorf("it sleeps for %s", d)
			}
		}
		w.pass(time.Second)
		if d := sleeps(); d < 20*time.Second {
			t.Errorf("it sleeps for %s, and nothing is due for 28 s", d)
		}
	})
}
