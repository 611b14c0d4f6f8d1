package engine

import (
	"context"
	"testing"
	"time"
)

func TestAHastenedTargetIsProbedAtOnceAndAtItsIntervalAllTheSame(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		w.Apply(1, true, []Target{s}, nil)
		w.pass(3300 * time.Millisecond)
		w.Hasten(s.ID)
		w.pass(10 * time.Second)
		equal(t, "probes", w.probed(s.ID), seconds(0, 3.3, 10))
		w.Hasten("nobody")
	})
}

func TestHasteIsTenProbesASecondAtMost(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		w.Apply(1, true, []Target{s}, nil)
		for range 2000 {
			w.pass(time.Millisecond)
			w.Hasten(s.ID)
		}
		if n := len(w.probed(s.ID)); n < 15 || n > 21 {
			t.Errorf("%d probes in two seconds of haste", n)
		}
	})
}

func TestWhatHappensDuringAProbeIsSeenByTheNext(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		w.answers(func(context.Context, Target) error { time.Sleep(time.Second); return nil })
		w.Apply(1, true, []Target{s}, nil)
		w.pass(500 * time.Millisecond)
		w.Hasten(s.ID)
		w.pass(5 * time.Second)
		equal(t, "probes", w.probed(s.ID), seconds(0, 1))
		w.pass(6 * time.Second)
		equal(t, "probes later", w.probed(s.ID), seconds(10))
	})
}
