package engine

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A world is an engine in virtual time, the servers that it probes, and what it said of them.
type world struct {
	*Engine
	t     *testing.T
	start time.Time

	lost atomic.Int64 // see lose

	mu      sync.Mutex
	probes  map[string][]time.Duration // by ID: when each probe started, since the start
	now     map[string]int             // by port: probes under way
	answer  func(ctx context.Context, t Target) error
	weight  func() Weight // nil: nothing is said of it
	reports []Report
}

var errRefused = errors.New("connection refused")

// inWorld runs f in virtual time. Servers answer at once, until answer is set to something else.
func inWorld(t *testing.T, c Config, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, start: time.Now(), probes: make(map[string][]time.Duration), now: make(map[string]int)}
		w.answer = func(context.Context, Target) error { return nil }
		c.Probe = w.probe
		c.Since = func(at time.Time) time.Duration { return time.Since(at) + time.Duration(w.lost.Load()) }
		w.Engine = New(c)
		defer w.Close()
		f(t, w)
	})
}

func (w *world) probe(ctx context.Context, t Target) (said Weight, err error) {
	where := fmt.Sprint(t.Address, t.Port)
	w.mu.Lock()
	w.probes[t.ID] = append(w.probes[t.ID], time.Since(w.start))
	w.now[where]++
	if w.now[where] > 1 {
		w.t.Errorf("%s is probed %d times at once", t.ID, w.now[where])
	}
	answer := w.answer
	if w.weight != nil {
		said = w.weight()
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.now[where]--
		w.mu.Unlock()
	}()
	return said, answer(ctx, t)
}

// answers sets how servers answer from now on.
func (w *world) answers(f func(ctx context.Context, t Target) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = f
}

// weighs sets what successful probes say of the weight from now on.
func (w *world) weighs(f Factor, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weight = func() Weight { return Weight{f, reason} }
}

// always is an answer that is always the same.
func always(err error) func(context.Context, Target) error {
	return func(context.Context, Target) error { return err }
}

// watch collects reports until the test ends.
func (w *world) watch() {
	go w.Watch(w.t.Context(), func(r Report) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reports = append(w.reports, r)
	})
	synctest.Wait()
}

// pass lets time pass, and everything that happens meanwhile happen.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// said returns the verdicts of all reports since it was last called, as "id: state: reason".
func (w *world) said() []string {
	var lines []string
	for _, r := range w.told() {
		for _, v := range r.Verdicts {
			line := v.ID + ": " + v.State.String()
			if v.Factor != 0 {
				line += fmt.Sprintf(" (%d)", v.Factor)
			}
			if v.Reason != "" {
				line += ": " + v.Reason
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// told returns all reports since it, or said, was last called.
func (w *world) told() []Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.reports
	w.reports = nil
	return r
}

// forget forgets all probes, and returns them by target.
func (w *world) forget() map[string][]time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.probes
	w.probes = make(map[string][]time.Duration)
	return p
}

// probed returns when the target was probed, since the start, and forgets it.
func (w *world) probed(id string) []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.probes[id]
	delete(w.probes, id)
	return p
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// server returns a target that is like no other.
func server(i int) Target {
	return Target{
		ID:       fmt.Sprintf("web/%d", i),
		Address:  netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}),
		Port:     80,
		Interval: 10 * time.Second,
		Timeout:  3 * time.Second,
		Fall:     1,
		Rise:     1,
	}
}

func servers(n int) []Target {
	ts := make([]Target, n)
	for i := range ts {
		ts[i] = server(i)
	}
	return ts
}

func seconds(s ...float64) []time.Duration {
	var ds []time.Duration
	for _, s := range s {
		ds = append(ds, time.Duration(s*float64(time.Second)))
	}
	return ds
}
