package engine

import (
	"context"
	"testing"
	"time"
)

func TestAWeightIsTakenAtOnceAndToldWhenItChanges(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Fall, s.Rise = time.Second, 3, 3
		w.weighs(34, "the agent says 33%")
		w.watch()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(500 * time.Millisecond)
		equal(t, "verdicts after the first probe", w.said(), []string{"web/1: up (34): the agent says 33%"})
		w.weighs(34, "the agent says 33%, in other words")
		w.pass(3 * time.Second)
		equal(t, "verdicts while it says the same", w.said(), []string(nil))
		w.weighs(1, "the agent\nsays drain")
		w.pass(time.Second)
		equal(t, "verdicts after a change", w.said(), []string{"web/1: up (1): the agent says drain"})
		w.weighs(0, "")
		w.pass(time.Second)
		equal(t, "verdicts when nothing is said any more", w.said(), []string{"web/1: up"})
	})
}

func TestAChangedWeightIsNoNewState(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval = time.Second
		w.watch()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(5500 * time.Millisecond)
		w.told()
		w.weighs(51, "half")
		w.pass(time.Second)
		for _, r := range w.told() {
			for _, v := range r.Verdicts {
				equal(t, "since", v.Since, w.start)
			}
		}
	})
}

func TestAFailedProbeChangesNoWeight(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Fall, s.Rise = time.Second, 3, 2
		w.weighs(51, "half")
		w.watch()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(500 * time.Millisecond)
		w.said()
		w.answers(always(errRefused))
		w.weighs(11, "a tenth, and a failure")
		w.pass(2 * time.Second)
		equal(t, "verdicts before it is down", w.said(), []string(nil))
		w.pass(time.Second)
		equal(t, "verdicts when it is down", w.said(), []string{"web/1: down: connection refused"})
		w.answers(always(nil))
		w.pass(time.Second)
		equal(t, "verdicts before it is up again", w.said(), []string(nil))
		w.weighs(21, "a fifth")
		w.pass(time.Second)
		equal(t, "verdicts when it is up again", w.said(), []string{"web/1: up (21): a fifth"})
	})
}

func TestIdenticalTargetsShareTheWeight(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		a, b, c := server(1), server(1), server(1)
		a.ID, b.ID, c.ID = "a", "b", "c"
		b.Initial, b.Factor = StateUp, 11
		w.weighs(51, "half")
		w.watch()
		w.Apply(1, true, []Target{a, b}, nil)
		w.said()
		w.pass(time.Second)
		equal(t, "verdicts", w.said(), []string{"b: up (51): half", "a: up (51): half"})
		w.Apply(2, false, []Target{c}, nil)
		w.pass(0)
		equal(t, "of one that comes later", w.said(), []string{"c: up (51): half"})
		equal(t, "probes", len(w.forget()), 1)
	})
}

func TestTheWeightThatTheCoreHoldsStaysUntilAProbeSaysAnother(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Initial, s.Factor = time.Second, StateUp, 34
		release := make(chan struct{})
		w.answers(func(context.Context, Target) error { <-release; return nil })
		w.weighs(34, "the agent says 33%")
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		equal(t, "the snapshot before the first probe", w.said(), []string{"web/1: up (34)"})
		close(release)
		w.pass(500 * time.Millisecond)
		equal(t, "verdicts of a probe that says the same", w.said(), []string(nil))
		s.Factor = 51 // the core has it wrong
		w.Apply(2, true, []Target{s}, nil)
		w.pass(0)
		equal(t, "verdicts when the core holds another", w.said(), []string{"web/1: up (34)"})
	})
}
