package supervisor

import (
	"testing"
	"time"
)

func TestBackoffDoublesFromNothingToItsMost(t *testing.T) {
	b := &backoff{random: func() float64 { return 1 }}
	want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}
	for i, w := range want {
		if d := b.after(0); d != w {
			t.Errorf("after failure %d it waits %s, want %s", i+1, d, w)
		}
	}
	for range 100 {
		if d := b.after(0); d > backoffMost {
			t.Fatalf("it waits %s", d)
		}
	}
	if d := b.after(0); d != backoffMost {
		t.Errorf("at its most it waits %s", d)
	}
}

func TestBackoffForgetsFailuresOfAPluginThatRanWell(t *testing.T) {
	b := &backoff{random: func() float64 { return 1 }}
	for range 5 {
		b.after(0)
	}
	if d := b.after(2 * backoffDecay); d != 400*time.Millisecond { // 5 - 2 + 1 failures
		t.Errorf("after running for two decays it waits %s", d)
	}
	if d := b.after(24 * time.Hour); d != 0 {
		t.Errorf("after running for a day it waits %s", d)
	}
}

func TestBackoffIsSpread(t *testing.T) {
	low, high := &backoff{random: func() float64 { return 0 }}, &backoff{random: func() float64 { return 0.999 }}
	for range 4 {
		l, h := low.after(0), high.after(0)
		if l > h || h > 0 && l < h/2-time.Millisecond {
			t.Errorf("it waits between %s and %s", l, h)
		}
	}
}
