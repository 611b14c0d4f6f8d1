package engine

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSchedule runs ten thousand targets at one second for a few seconds of real time, with probes that cost
// nothing. What it measures is the processor time of the schedule itself: nanoseconds per probe, and the share of one
// processor that ten thousand targets take.
func BenchmarkSchedule(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		var probes atomic.Int64
		e := New(Config{Probe: func(context.Context, Target) (Weight, error) { probes.Add(1); return Weight{}, nil }})
		ts := servers(n)
		for i := range ts {
			ts[i].Interval = time.Second
		}
		e.Apply(1, true, ts, nil)
		ctx, cancel := context.WithCancel(b.Context())
		go e.Watch(ctx, func(Report) {})
		time.Sleep(time.Second) // first probes and verdicts
		probes.Store(0)
		before := processorTime(b)
		time.Sleep(5 * time.Second)
		used, done := processorTime(b)-before, probes.Load()
		b.ReportMetric(float64(used)/float64(done), "cpu-ns/probe")
		b.ReportMetric(float64(used)/5e9*100, "%cpu")
		b.ReportMetric(float64(done)/5, "probes/s")
		cancel()
		e.Close()
	}
}

// BenchmarkApply is a full update of ten thousand targets of which one has changed.
func BenchmarkApply(b *testing.B) {
	e := New(Config{Probe: func(context.Context, Target) (Weight, error) { return Weight{}, nil }})
	defer e.Close()
	ts := servers(10_000)
	e.Apply(1, true, ts, nil)
	for i := 0; b.Loop(); i++ {
		ts[i%len(ts)].Port++
		e.Apply(uint64(i), true, ts, nil)
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
