package engine

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdenticalTargetsAreProbedOnceAndTheVerdictGoesToEach(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		a, b, c := server(1), server(1), server(1)
		a.ID, b.ID, c.ID = "a", "b", "c"
		c.Config = []byte(`{"path":"/c"}`)
		w.answers(always(errRefused))
		w.watch()
		w.Apply(1, true, []Target{a, b, c}, nil)
		w.pass(69 * time.Second)
		equal(t, "verdicts", w.said(), []string{
			"a: down: connection refused", "b: down: connection refused", "c: down: connection refused"})
		equal(t, "probes of a and b", len(w.probed("a"))+len(w.probed("b")), 7)
		equal(t, "probes of c: one more, as it waited for its phase only after the first", len(w.probed("c")), 8)
	})
}

func TestTargetsThatLeaveByOtherWaysAreProbedEachByItself(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		ts := servers(4)
		for i := range ts {
			ts[i].Address = ts[0].Address
		}
		ts[1].Egress.Mark, ts[2].Egress.Interface, ts[3].Egress.Source = 7, "eth1", netip.MustParseAddr("192.0.2.1")
		w.Apply(1, true, ts, nil)
		w.pass(time.Second)
		equal(t, "targets probed", len(w.forget()), 4)
	})
}

func TestATargetThatJoinsAnIdenticalOneHasItsVerdictAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		a, b := server(1), server(1)
		a.ID, b.ID = "a", "b"
		w.answers(always(errRefused))
		w.Apply(1, true, []Target{a}, nil)
		w.watch()
		w.pass(time.Second)
		w.said()
		w.Apply(2, false, []Target{b}, nil)
		synctest.Wait()
		equal(t, "verdicts", w.said(), []string{"b: down: connection refused"})
		equal(t, "probes", len(w.probed("a"))+len(w.probed("b")), 1)
	})
}

func TestIdenticalTargetsWithOtherInitialStatesChangeEachByItself(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		a, b := server(1), server(1)
		a.ID, a.Initial, a.Fall, a.Rise = "a", StateUp, 2, 2
		b.ID, b.Initial, b.Fall, b.Rise = "b", StateDown, 2, 2
		w.answers(always(errRefused))
		w.Apply(1, true, []Target{a, b}, nil)
		w.watch()
		w.pass(time.Minute)
		equal(t, "verdicts", w.said(), []string{"a: up", "b: down", "a: down: connection refused"})
	})
}

func TestARenamedTargetKeepsItsVerdictAndPhase(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		a, b := server(1), server(1)
		a.ID, b.ID = "a", "b"
		a.Fall, b.Fall = 2, 2
		w.Apply(1, true, []Target{a}, nil)
		w.watch()
		w.pass(time.Second)
		w.answers(always(errRefused))
		w.pass(10 * time.Second) // one failure
		w.said()
		w.Apply(2, true, []Target{b}, nil)
		synctest.Wait()
		equal(t, "verdicts", w.said(), []string{"b: up"})
		w.pass(10 * time.Second)
		equal(t, "verdicts", w.said(), []string{"b: down: connection refused"})
		equal(t, "probes of the new name", w.probed("b"), seconds(20))
	})
}

func TestApplyKeepsStateCountsAndPhaseOfWhatIsUnchanged(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Fall = 3
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.pass(time.Second)
		w.said()
		w.answers(always(errRefused))
		for range 28 { // failures at 10, 20 and 30 s
			w.pass(time.Second)
			equal(t, "verdicts", w.said(), []string(nil))
			w.Apply(2, true, []Target{s, server(2)}, nil)
			w.Apply(3, true, []Target{s}, nil)
		}
		w.pass(time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: connection refused"})
		equal(t, "probes", w.probed(s.ID), seconds(0, 10, 20, 30))
	})
}

func TestApplyWithAnInitialThatIsNotTheStateIsToldTheState(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.pass(time.Second)
		w.said()
		s.Initial = StateDown // as somebody would say who lost a message
		w.Apply(2, true, []Target{s}, nil)
		synctest.Wait()
		equal(t, "verdicts", w.said(), []string{"web/1: up"})
		equal(t, "generation", w.generation, uint64(2))
	})
}

func TestAChangedTargetStartsAnewWithItsInitialState(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.pass(time.Second)
		w.said()
		s.Port, s.Initial, s.Fall = 8080, StateUp, 2
		w.answers(always(errRefused))
		w.Apply(2, false, []Target{s}, nil)
		w.pass(9 * time.Second)
		equal(t, "verdicts after one failure", w.said(), []string(nil))
		w.pass(5 * time.Second)
		equal(t, "verdicts after two", w.said(), []string{"web/1: down: connection refused"})
		equal(t, "probes", w.probed(s.ID), seconds(0, 1, 11))
	})
}

func TestAChangedTargetWhoseStateIsAnotherIsReported(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		defer close(release)
		s := server(1)
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.pass(time.Second)
		w.said()
		w.answers(func(context.Context, Target) error { <-release; return nil })
		s.Port, s.Initial = 8080, StateDown
		w.Apply(2, false, []Target{s}, nil)
		synctest.Wait()
		equal(t, "verdicts", w.said(), []string{"web/1: down"})
	})
}

func TestRemovalIsFinal(t *testing.T) {
	for _, full := range []bool{true, false} {
		t.Run(fmt.Sprintf("full=%v", full), func(t *testing.T) {
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				var cancelled bool
				w.answers(func(ctx context.Context, t Target) error {
					select {
					case <-ctx.Done():
						cancelled = true
					case <-time.After(2 * time.Second):
					}
					return errRefused
				})
				ts := servers(2)
				w.Apply(1, true, ts, nil)
				w.watch()
				w.said()
				w.pass(time.Second) // both are being probed
				if full {
					w.Apply(2, true, ts[1:], nil)
				} else {
					w.Apply(2, false, nil, []string{"web/0", "of nobody"})
				}
				w.pass(time.Hour)
				equal(t, "verdicts", w.said(), []string{"web/1: down: connection refused"})
				equal(t, "whether the probe was cancelled", cancelled, true)
				equal(t, "probes", len(w.probed("web/0")), 1)
				equal(t, "groups", len(w.groups), 1)
			})
		})
	}
}

func TestAVerdictThatWaitsToBeReportedIsNotWhenItsTargetIsRemoved(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		var got []Report
		w.Apply(1, true, servers(2), nil)
		go w.Watch(t.Context(), func(r Report) { got = append(got, r); <-release })
		w.pass(time.Second) // both are up, and the watcher still looks at the snapshot
		w.Apply(2, false, nil, []string{"web/0"})
		close(release)
		synctest.Wait()
		equal(t, "reports", len(got), 2)
		equal(t, "generations", []uint64{got[0].Generation, got[1].Generation}, []uint64{1, 2})
		equal(t, "verdicts", got[1].Verdicts, []Verdict{{ID: "web/1", State: StateUp, Since: w.start.Add(time.Millisecond)}})
	})
}

func TestATargetThatComesBackWhileItsProbeRunsIsNotProbedTwiceAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(context.Context, Target) error { time.Sleep(2 * time.Second); return errRefused })
		s := server(1) // the world complains of two at once
		s.Fall, s.Rise = 2, 2
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.pass(time.Second)
		w.Apply(2, true, nil, nil)
		s.Initial = StateUp
		w.answers(always(nil))
		w.Apply(3, true, []Target{s}, nil)
		w.said()
		w.pass(14 * time.Second)
		equal(t, "verdicts: what the old probe said does not count", w.said(), []string(nil))
		equal(t, "probes", len(w.probed(s.ID)), 2)
		equal(t, "stuck workers", w.workers.stuck, 0)
	})
}

func TestStrangeUpdatesDoNotDisturb(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		a, b, none := server(1), server(2), Target{}
		b.ID = a.ID // the same ID twice: the last one counts
		forever := server(3)
		forever.Interval, forever.Timeout, forever.Retry = 1<<63-1, 1<<63-1, 1<<63-1
		negative := server(4)
		negative.Interval, negative.Timeout, negative.Retry, negative.Fall, negative.Rise, negative.Initial = -1, -1, -1, -1, -1, 77
		w.watch()
		for generation := range uint64(3) {
			w.Apply(generation, true, []Target{a, b, a, b, none, forever, negative, a, b}, []string{"x", a.ID})
		}
		w.pass(10 * time.Millisecond)
		said := w.said()
		slices.Sort(said)
		equal(t, "verdicts", said, []string{": up", "web/1: up", "web/3: up", "web/4: up"})
		equal(t, "groups", len(w.groups), 4)
		w.Apply(4, false, nil, []string{"", "", "web/1", "web/3", "web/4"})
		equal(t, "groups", len(w.groups), 0)
		equal(t, "schedule", len(w.heap), 0)
	})
}
