package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A harbour is a Starter whose probes end when they are told to, or at once.
type harbour struct {
	w      *world
	takes  func(t *Target) bool
	atOnce func(t *Target) (over bool, err error)

	flights map[int]string // the targets that are being probed, by number
	over    map[int]error  // what has ended
	stopped []string
	most    int // how many were begun between two looks
	batch   int
	told    func() chan struct{} // made at its first use: in virtual time
}

// withHarbour is inWorld with a Starter that takes all targets, whose probes end only as end says.
func withHarbour(t *testing.T, f func(t *testing.T, w *world, h *harbour)) {
	h := &harbour{flights: make(map[int]string), over: make(map[int]error)}
	h.told = sync.OnceValue(func() chan struct{} { return make(chan struct{}) })
	h.takes = func(*Target) bool { return true }
	h.atOnce = func(*Target) (bool, error) { return false, nil }
	inWorld(t, Config{Starter: h}, func(t *testing.T, w *world) {
		h.w = w
		f(t, w, h)
		w.Close()
		equal(t, "probes that nobody has ended", len(h.flights), 0)
		close(h.told())
	})
}

func (h *harbour) Takes(t *Target) bool { return h.takes(t) }

func (h *harbour) Start(n int, t *Target) {
	if h.flights[n] != "" {
		h.w.t.Errorf("the number %d is that of two probes", n)
	}
	h.flights[n] = t.ID
	h.w.mu.Lock()
	h.w.probes[t.ID] = append(h.w.probes[t.ID], time.Since(h.w.start))
	h.w.mu.Unlock()
	if over, err := h.atOnce(t); over {
		h.over[n] = err
	}
	h.batch++
	h.most = max(h.most, h.batch)
}

func (h *harbour) Stop(n int) error {
	h.stopped = append(h.stopped, h.flights[n])
	delete(h.flights, n)
	delete(h.over, n)
	return errors.New("no answer")
}

func (h *harbour) Ended(over func(int, error)) {
	h.batch = 0
	for n, err := range h.over {
		delete(h.over, n)
		delete(h.flights, n)
		over(n, err)
	}
}

func (h *harbour) Wait() bool { _, ok := <-h.told(); return ok }

// end ends all probes that go on.
func (h *harbour) end(err error) {
	h.w.Engine.mu.Lock()
	for n := range h.flights {
		h.over[n] = err
	}
	h.w.Engine.mu.Unlock()
	h.told() <- struct{}{}
	synctest.Wait()
}

// gaveUp returns whose probes were stopped, and forgets it.
func (h *harbour) gaveUp() []string {
	h.w.Engine.mu.Lock()
	defer h.w.Engine.mu.Unlock()
	s := h.stopped
	h.stopped = nil
	slices.Sort(s)
	return s
}

func TestAStartersProbesFollowTheSchedule(t *testing.T) {
	withHarbour(t, func(t *testing.T, w *world, h *harbour) {
		h.atOnce = func(*Target) (bool, error) { return true, nil }
		w.watch()
		w.Apply(1, true, servers(2), nil)
		w.pass(30 * time.Second)
		equal(t, "the first", w.probed("web/0"), seconds(0, 10, 20, 30))
		equal(t, "the second", w.probed("web/1"), seconds(0.001, 5, 15, 25))
		equal(t, "verdicts", w.said(), []string{"web/0: up", "web/1: up"})
	})
}

func TestAStartersProbesCountWhenTheyEnd(t *testing.T) {
	withHarbour(t, func(t *testing.T, w *world, h *harbour) {
		s := server(1)
		s.Initial = StateUp
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.said()
		w.pass(time.Second)
		equal(t, "verdicts before", w.said(), []string(nil))
		h.end(errRefused)
		equal(t, "verdicts", w.said(), []string{"web/1: down: connection refused"})
		w.pass(5 * time.Second)
		if r := w.told(); len(r) != 1 || r[0].Summaries[0].Latency != time.Second {
			t.Errorf("the summaries are %v, want a latency of 1 s", r)
		}
	})
}

func TestAStartersProbeIsStoppedAtItsTimeOut(t *testing.T) {
	withHarbour(t, func(t *testing.T, w *world, h *harbour) {
		s := server(1)
		s.Initial = StateUp
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.said()
		w.pass(3*time.Second - 1)
		equal(t, "stopped before", h.gaveUp(), []string(nil))
		w.pass(1)
		equal(t, "stopped", h.gaveUp(), []string{"web/1"})
		equal(t, "verdicts, with the Starter's reason", w.said(), []string{"web/1: down: no answer"})
		w.pass(7 * time.Second)
		equal(t, "probes", w.probed("web/1"), seconds(0, 10))
	})
}

func TestAStartersTimeOutInWhichThisProcessDidNotRunDoesNotCount(t *testing.T) {
	withHarbour(t, func(t *testing.T, w *world, h *harbour) {
		w.Apply(1, true, []Target{slow()}, nil)
		w.watch()
		w.said()
		w.pass(time.Second)
		w.lose(time.Second)
		w.pass(2 * time.Second)
		equal(t, "stopped", h.gaveUp(), []string{"web/1"})
		equal(t, "verdicts", w.said(), []string(nil))
	})
}

func TestAStartersProbeEndsWithItsTarget(t *testing.T) {
	withHarbour(t, func(t *testing.T, w *world, h *harbour) {
		w.Apply(1, true, servers(3), nil)
		w.watch()
		w.said()
		w.pass(time.Second)
		w.Apply(2, false, nil, []string{"web/1"})
		equal(t, "stopped", h.gaveUp(), []string{"web/1"})
		w.pass(500 * time.Millisecond)
		w.Apply(3, false, servers(2)[1:], nil)
		w.pass(500 * time.Millisecond)
		h.end(nil)
		equal(t, "probes", w.probed("web/1"), seconds(0.001, 1.5))
		equal(t, "numbers in use, of which one is used again", len(w.started), 3)
		equal(t, "verdicts", w.said(), []string{"web/0: up", "web/1: up", "web/2: up"})
		w.Apply(4, false, nil, []string{"web/1"})
		w.pass(20 * time.Second)
		equal(t, "probes once it is gone", w.probed("web/1"), seconds())
	})
}

func TestWhatAStarterDoesNotTakeIsProbedAsEver(t *testing.T) {
	withHarbour(t, func(t *testing.T, w *world, h *harbour) {
		h.takes = func(t *Target) bool { return t.ID == "web/0" }
		w.Apply(1, true, servers(2), nil)
		w.watch()
		w.said()
		w.pass(time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: up"})
		h.end(nil)
		equal(t, "verdicts", w.said(), []string{"web/0: up"})
	})
}

func TestManyOfAStartersProbesThatAreDueAtOnceAreLookedAtEightByEight(t *testing.T) {
	withHarbour(t, func(t *testing.T, w *world, h *harbour) {
		h.atOnce = func(*Target) (bool, error) { return true, nil }
		ts := servers(3 * atATime)
		for i := range ts {
			ts[i].Initial = StateUp
		}
		w.Apply(1, true, ts, nil)
		w.pass(10 * time.Second)
		w.forget()
		w.lose(20 * time.Second)
		w.dispatch()
		probed := w.forget()
		equal(t, "probes that are begun before others get the lock", len(probed), atATime)
		w.pass(100 * time.Millisecond)
		maps.Copy(probed, w.forget())
		equal(t, "targets that are probed in the end", len(probed), 3*atATime)
		equal(t, "begun between two looks", h.most, together)
		w.Engine.mu.Lock()
		defer w.Engine.mu.Unlock()
		if lost := time.Duration(w.Engine.lost); lost > 20*time.Second {
			t.Errorf("%s are counted as lost: the time was lost once, not once for each batch", lost)
		}
	})
}

func TestAFailureForWantOfWhatThisMachineHasDoesNotCountThreeTimes(t *testing.T) {
	lack := fmt.Errorf("connect: %w", syscall.EMFILE)
	for name, c := range map[string]func(h *harbour, w *world){
		"Start": func(h *harbour, w *world) { h.atOnce = func(*Target) (bool, error) { return true, lack } },
		"Probe": func(h *harbour, w *world) { h.takes = func(*Target) bool { return false }; w.answers(always(lack)) },
	} {
		t.Run(name, func(t *testing.T) {
			withHarbour(t, func(t *testing.T, w *world, h *harbour) {
				c(h, w)
				s := server(1)
				s.Retry, s.Initial = time.Second, StateUp
				w.Apply(1, true, []Target{s}, nil)
				w.watch()
				w.said()
				w.pass(2500 * time.Millisecond)
				equal(t, "probes", w.probed("web/1"), seconds(0, 1, 2))
				equal(t, "verdicts", w.said(), []string(nil))
				w.pass(time.Second)
				equal(t, "verdicts", w.said(), []string{"web/1: down: connect: too many open files"})
			})
		})
	}
}

func TestTheTickIsAsLongAsSixteenProbesNeed(t *testing.T) {
	for _, tt := range []struct {
		perSecond float64
		shortest  time.Duration
		want      time.Duration
	}{
		{0, longest, time.Millisecond},
		{100, time.Minute, time.Millisecond}, // nobody to share with
		{101, time.Minute, 10 * time.Millisecond},
		{2000, time.Second, 8 * time.Millisecond},
		{10_000, time.Second, 1600 * time.Microsecond},
		{2000, 100 * time.Millisecond, time.Millisecond},
		{2000, 500 * time.Millisecond, 5 * time.Millisecond},
	} {
		if got := time.Duration(tickOf(tt.perSecond, tt.shortest)); got != tt.want {
			t.Errorf("%g a second, every %s: %s, want %s", tt.perSecond, tt.shortest, got, tt.want)
		}
	}
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		ts := servers(2000)
		for i := range ts {
			ts[i].Interval = time.Second
		}
		w.Apply(1, true, ts, nil)
		equal(t, "tick", time.Duration(w.tick), 8*time.Millisecond)
		ts[0].Retry = 200 * time.Millisecond
		w.Apply(2, false, ts[:1], nil)
		equal(t, "tick with a short retry interval", time.Duration(w.tick), 2*time.Millisecond)
	})
}
