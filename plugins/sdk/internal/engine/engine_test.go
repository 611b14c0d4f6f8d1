package engine

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
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

	mu      sync.Mutex
	probes  map[string][]time.Duration // by ID: when each probe started, since the start
	now     map[string]int             // by port: probes under way
	answer  func(ctx context.Context, t Target) error
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
		w.Engine = New(c)
		defer w.Close()
		f(t, w)
	})
}

func (w *world) probe(ctx context.Context, t Target) error {
	where := fmt.Sprint(t.Address, t.Port)
	w.mu.Lock()
	w.probes[t.ID] = append(w.probes[t.ID], time.Since(w.start))
	w.now[where]++
	if w.now[where] > 1 {
		w.t.Errorf("%s is probed %d times at once", t.ID, w.now[where])
	}
	answer := w.answer
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.now[where]--
		w.mu.Unlock()
	}()
	return answer(ctx, t)
}

// answers sets how servers answer from now on.
func (w *world) answers(f func(ctx context.Context, t Target) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = f
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

func TestTheFirstProbeDecidesAnUnknownTarget(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		up, down := server(1), server(2)
		up.Fall, up.Rise, down.Fall, down.Rise = 5, 5, 5, 5
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == down.ID {
				return errRefused
			}
			return nil
		})
		w.watch()
		w.Apply(1, true, []Target{up, down}, nil)
		w.pass(time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: up", "web/2: down: connection refused"})
	})
}

func TestFallFailuresInARowTakeATargetDownAndRiseSuccessesInARowUp(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Fall, s.Rise, s.Initial = time.Second, 3, 2, StateUp
		results := []error{nil, errRefused, errRefused, nil, errRefused, errRefused, errRefused, nil, errRefused, nil, nil}
		//                 0s   1s          2s          3s   4s          5s          6s: down    7s   8s          9s   10s: up
		n := -1
		w.answers(func(context.Context, Target) error { n++; return results[n] })
		w.watch()
		w.said()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(5500 * time.Millisecond)
		equal(t, "verdicts before the third failure in a row", w.said(), []string(nil))
		w.pass(time.Second)
		equal(t, "verdicts after it", w.said(), []string{"web/1: down: connection refused"})
		w.pass(3 * time.Second)
		equal(t, "verdicts before the second success in a row", w.said(), []string(nil))
		w.pass(time.Second)
		equal(t, "verdicts after it", w.said(), []string{"web/1: up"})
	})
}

func TestVerdictsAreReportedOnlyWhenTheyChange(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.Apply(1, true, servers(3), nil)
		w.watch()
		w.pass(time.Hour)
		w.said()
		w.pass(time.Hour)
		equal(t, "verdicts in an hour without changes", w.said(), []string(nil))
	})
}

func TestAVerdictSaysSinceWhen(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Fall, s.Initial = 2, StateUp
		w.answers(always(errRefused))
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		equal(t, "since of an initial state", w.told()[0].Verdicts[0].Since, time.Time{})
		w.pass(11 * time.Second)
		var last Verdict
		for _, r := range w.told() {
			for _, v := range r.Verdicts {
				last = v
			}
		}
		equal(t, "since", last.Since, w.start.Add(10*time.Second))
	})
}

func TestInitialKeepsTheVerdictOverARestart(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		up, down := server(1), server(2)
		up.Fall, up.Initial = 2, StateUp
		down.Rise, down.Initial = 2, StateDown
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == up.ID {
				return errRefused
			}
			return nil
		})
		w.Apply(1, true, []Target{up, down}, nil)
		w.watch()
		w.pass(9 * time.Second)
		equal(t, "verdicts after one result against each", w.said(), []string{"web/1: up", "web/2: down"})
		w.pass(10 * time.Second)
		equal(t, "verdicts after two", w.said(), []string{"web/1: down: connection refused", "web/2: up"})
	})
}

func TestTheRetryIntervalHoldsWhileResultsContradictTheVerdict(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Retry, s.Fall, s.Rise, s.Initial = 10*time.Second, time.Second, 3, 3, StateUp
		w.answers(func(context.Context, Target) error {
			if at := time.Since(w.start); at >= 10*time.Second && at < 40*time.Second {
				return errRefused
			}
			return nil
		})
		w.Apply(1, true, []Target{s}, nil)
		w.pass(65 * time.Second)
		equal(t, "probes", w.probed(s.ID), seconds(
			0, 10, // up
			11, 12, // up, and contradicted; down at 12
			20, 30, 40, // down, back at its phase; at 40 contradicted
			41, 42, // up at 42
			50, 60))
	})
}

func TestATargetThatTakesLongerThanItsTimeOutHasFailed(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, t Target) error { <-ctx.Done(); return ctx.Err() })
		w.watch()
		w.Apply(1, true, []Target{server(1)}, nil)
		w.pass(2900 * time.Millisecond)
		equal(t, "verdicts before the time-out", w.said(), []string(nil))
		w.pass(100 * time.Millisecond)
		equal(t, "verdicts at the time-out", w.said(), []string{"web/1: down: timeout after 3s"})
	})
}

func TestASuccessAfterTheTimeOutIsAFailure(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(context.Context, Target) error { time.Sleep(3010 * time.Millisecond); return nil })
		w.watch()
		w.Apply(1, true, []Target{server(1)}, nil)
		w.pass(4 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: timeout after 3s"})
	})
}

func TestAProbesOwnWordsForATimeOutAreKept(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.answers(func(ctx context.Context, t Target) error {
			<-ctx.Done()
			return fmt.Errorf("no answer to GET /: %w", ctx.Err())
		})
		w.watch()
		w.Apply(1, true, []Target{server(1)}, nil)
		w.pass(3 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: down: no answer to GET /: context deadline exceeded"})
	})
}

func TestAProbeThatPanicsHasFailed(t *testing.T) {
	inWorld(t, Config{Concurrency: 1}, func(t *testing.T, w *world) {
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == "web/0" {
				panic("index out of range\x1b[2J")
			}
			return nil
		})
		w.watch()
		w.said()
		w.Apply(1, true, servers(2), nil)
		w.pass(9 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/0: down: the probe panicked: index out of range [2J", "web/1: up"})
	})
}

func TestAProbeThatEndsItsGoroutineHasFailedAndTheWorkGoesOn(t *testing.T) {
	inWorld(t, Config{Concurrency: 1}, func(t *testing.T, w *world) {
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == "web/0" {
				(&testing.T{}).SkipNow() // runtime.Goexit
			}
			return nil
		})
		w.watch()
		w.said()
		w.Apply(1, true, servers(2), nil)
		w.pass(25 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/0: down: the probe ended its goroutine", "web/1: up"})
		equal(t, "probes", w.probed("web/0"), seconds(0, 10, 20))
	})
}

func TestAProbeThatIgnoresItsContextStopsNothingElse(t *testing.T) {
	inWorld(t, Config{Concurrency: 1}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.answers(func(_ context.Context, t Target) error {
			if t.ID == "web/0" {
				<-release
			}
			return nil
		})
		ts := servers(2)
		ts[0].Initial, ts[0].Fall = StateUp, 3
		w.Apply(1, true, ts, nil)
		w.watch()
		w.said()
		w.pass(11 * time.Second)
		equal(t, "verdicts", w.said(), []string{"web/1: up"})
		w.pass(20 * time.Second)
		equal(t, "verdicts: each interval without an end is a failure", w.said(),
			[]string{"web/0: down: the probe is still busy after 23.1s"})
		equal(t, "probes of the one that hangs", w.probed("web/0"), seconds(0))

		close(release)
		w.pass(20 * time.Second)
		equal(t, "verdicts when it ends, and the next succeeds", w.said(), []string{"web/0: up"})
		equal(t, "its probes", w.probed("web/0"), seconds(33.1, 40, 50))
	})
}

func TestAProbeThatEndsALittleTooLateIsOneFailure(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Timeout, s.Fall, s.Initial = time.Second, time.Second, 3, StateUp
		w.answers(func(context.Context, Target) error { time.Sleep(1500 * time.Millisecond); return nil })
		w.watch()
		w.said()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(4 * time.Second) // two such probes, at 0 and 2.1 s
		equal(t, "verdicts", w.said(), []string(nil))
		w.pass(1400 * time.Millisecond) // and the third, at 4.2 s, over at 5.2 s and given up at 5.3 s
		equal(t, "verdicts", w.said(), []string{"web/1: down: timeout after 1s"})
		equal(t, "probes", w.probed(s.ID), seconds(0, 2.1, 4.2))
	})
}

func TestProbesThatNeverEndAreBounded(t *testing.T) {
	inWorld(t, Config{Concurrency: 5}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		defer close(release)
		w.answers(func(context.Context, Target) error { <-release; return nil })
		w.Apply(1, true, servers(100), nil)
		w.pass(time.Hour)
		equal(t, "goroutines that hang", len(w.forget()), 10)
	})
}

func TestNoMoreProbesRunAtOnceThanAllowed(t *testing.T) {
	inWorld(t, Config{Concurrency: 7}, func(t *testing.T, w *world) {
		var most, now int
		w.answers(func(ctx context.Context, t Target) error {
			w.mu.Lock()
			now++
			most = max(most, now)
			w.mu.Unlock()
			time.Sleep(2 * time.Second)
			w.mu.Lock()
			now--
			w.mu.Unlock()
			return nil
		})
		w.watch()
		w.Apply(1, true, servers(50), nil)
		w.pass(16 * time.Second)
		equal(t, "most at once", most, 7)
		equal(t, "verdicts: all of them had their turn", len(w.said()), 50)
	})
}

func TestATargetSlowerThanItsIntervalIsProbedAgainWhenItIsDone(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval, s.Timeout = time.Second, 5*time.Second
		w.answers(func(context.Context, Target) error { time.Sleep(2500 * time.Millisecond); return nil })
		w.Apply(1, true, []Target{s}, nil)
		w.pass(8 * time.Second)
		equal(t, "probes", w.probed(s.ID), seconds(0, 2.5, 5, 7.5))
	})
}

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

func TestAfterCloseNothingHappens(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		var err error
		var reports int
		w.answers(func(ctx context.Context, t Target) error { <-ctx.Done(); return ctx.Err() })
		w.Apply(1, true, servers(3), nil)
		go func() { err = w.Watch(t.Context(), func(r Report) { reports++ }) }()
		w.pass(time.Second)
		before := time.Now()
		w.Close()
		equal(t, "time that Close takes", time.Since(before), time.Duration(0))
		w.pass(time.Minute)
		w.Apply(2, true, servers(5), nil)
		w.pass(time.Minute)
		w.Close()
		equal(t, "reports", reports, 1)
		equal(t, "probed", len(w.forget()), 3)
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Watch returned %v", err)
		}
		if err := w.Watch(t.Context(), func(Report) {}); !errors.Is(err, ErrClosed) {
			t.Errorf("Watch of a closed engine returned %v", err)
		}
	})
}

func TestCloseDoesNotWaitForeverForAProbe(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		defer close(release)
		w.answers(func(context.Context, Target) error { <-release; return nil })
		w.Apply(1, true, servers(1), nil)
		w.pass(time.Second)
		before := time.Now()
		w.Close()
		equal(t, "time that Close takes", time.Since(before), closeWait)
	})
}
