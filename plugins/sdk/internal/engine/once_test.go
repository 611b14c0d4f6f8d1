package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestProbeLooksOnceBesideTheSchedule(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		if err := w.Probe(t.Context(), server(1)); err != nil {
			t.Errorf("a target that is up: %v", err)
		}
		w.answers(always(fmt.Errorf("HTTP 503\r\n%w", errRefused)))
		equal(t, "what is wrong", fmt.Sprint(w.Probe(t.Context(), server(1))), "HTTP 503 connection refused")
		w.answers(func(context.Context, Target) error { panic("at the disco") })
		equal(t, "a panic", fmt.Sprint(w.Probe(t.Context(), server(1))), "the probe panicked: at the disco")
		equal(t, "targets", len(w.members), 0)
	})
}

func TestProbeReturnsAlsoWhenTheProbeDoesNot(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		defer close(release)
		w.answers(func(_ context.Context, t Target) error { <-release; return nil })
		for i := range onceAtATime {
			s := server(i)
			s.Timeout = time.Millisecond
			equal(t, "a probe that does not end", fmt.Sprint(w.Probe(t.Context(), s)), "timeout after 1ms")
		}
		equal(t, "one more", fmt.Sprint(w.Probe(t.Context(), server(1))), "too many probes at once")
	})
}

func TestProbeEndsWithTheCallersContext(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, _ Target) error { <-ctx.Done(); return ctx.Err() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		before := time.Now()
		if err := w.Probe(ctx, server(1)); err == nil {
			t.Error("a probe that was given up says that its target is up")
		}
		equal(t, "time it took", time.Since(before), time.Second)
	})
}

func TestProbeOfAClosedEngine(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, _ Target) error { <-ctx.Done(); return ctx.Err() })
		w.Close()
		if err := w.Probe(t.Context(), server(1)); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}
