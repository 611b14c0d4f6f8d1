package engine

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// naive is rise and fall as one would say it: the last n results, looked at one by one.
func naive(initial State, results []bool, fall, rise int) State {
	s := initial
	for i := range results {
		last := results[:i+1]
		all := func(up bool, n int) bool {
			if len(last) < n {
				return false
			}
			for _, r := range last[len(last)-n:] {
				if r != up {
					return false
				}
			}
			return true
		}
		switch {
		case s == StateUnknown && results[i]:
			s = StateUp
		case s == StateUnknown:
			s = StateDown
		case s == StateUp && all(false, fall):
			s = StateDown
		case s == StateDown && all(true, rise):
			s = StateUp
		}
	}
	return s
}

// Random targets with random results: what a watcher was last told is what the naive model says of the same results, and
// it is told once for each change.
func TestVerdictsAreThoseOfTheNaiveModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			inWorld(t, Config{Concurrency: 1 + r.IntN(20)}, func(t *testing.T, w *world) {
				targets := servers(1 + r.IntN(20))
				results := make(map[string][]bool)
				initial, held := make(map[string]State), make(map[string]State)
				changes := make(map[string]int)
				for i := range targets {
					s := &targets[i]
					s.Interval = time.Duration(1+r.IntN(3000)) * time.Millisecond
					s.Timeout = time.Duration(1+r.IntN(1000)) * time.Millisecond
					s.Retry = time.Duration(r.IntN(2)*(1+r.IntN(1000))) * time.Millisecond
					s.Fall, s.Rise, s.Initial = 1+r.IntN(4), 1+r.IntN(4), State(r.IntN(3))
					initial[s.ID], held[s.ID] = s.Initial, s.Initial // the core has given it; the watcher may be there before
				}
				w.answers(func(ctx context.Context, t Target) error {
					w.mu.Lock()
					up := r.IntN(3) > 0
					takes := time.Duration(r.Int64N(int64(t.Timeout))) * 9 / 10
					late := r.IntN(10) == 0
					results[t.ID] = append(results[t.ID], up && !late)
					w.mu.Unlock()
					if late {
						<-ctx.Done()
						return ctx.Err()
					}
					time.Sleep(takes)
					if !up {
						return errRefused
					}
					return nil
				})
				go w.Watch(t.Context(), func(r Report) {
					for _, v := range r.Verdicts {
						if held[v.ID] != v.State {
							changes[v.ID]++
						} else if !r.Snapshot {
							t.Errorf("%s is %s and was so before", v.ID, v.State)
						}
						held[v.ID] = v.State
					}
				})
				w.Apply(1, true, targets, nil)
				w.pass(time.Minute)
				w.answers(func(ctx context.Context, t Target) error { <-ctx.Done(); return nil })
				for i := range targets {
					targets[i].Initial = StateUnknown
				}
				w.Apply(2, true, targets, nil) // changes nothing
				synctest.Wait()
				w.mu.Lock()
				defer w.mu.Unlock()
				for _, s := range targets {
					n := len(results[s.ID])
					if n < 10 && s.Interval < 2*time.Second && w.config.Concurrency >= len(targets) {
						t.Errorf("%s was probed %d times only", s.ID, n)
					}
					// The last result may still be on its way.
					want, before := naive(initial[s.ID], results[s.ID], s.Fall, s.Rise), naive(initial[s.ID], results[s.ID][:n-1], s.Fall, s.Rise)
					if got := held[s.ID]; got != want && got != before {
						t.Errorf("%s with fall %d, rise %d and initially %s is %s, should be %s", s.ID, s.Fall, s.Rise, initial[s.ID], got, want)
					}
				}
			})
		})
	}
}

// Random updates of random targets: nothing is probed that should not be, nothing is forgotten, and nothing is left behind.
func TestRandomUpdatesLeaveNothingBehind(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r, answers := rand.New(rand.NewPCG(seed, 2)), rand.New(rand.NewPCG(seed, 3))
			inWorld(t, Config{Concurrency: 3}, func(t *testing.T, w *world) {
				w.answers(func(ctx context.Context, t Target) error {
					w.mu.Lock()
					n := answers.IntN(4)
					w.mu.Unlock()
					switch n {
					case 0:
						time.Sleep(time.Duration(t.Port) * 10 * time.Millisecond) // with no regard for its context
					case 1:
						<-ctx.Done()
						return ctx.Err()
					case 2:
						return errRefused
					}
					return nil
				})
				w.weight = func() Weight { return Weight{Factor(answers.IntN(3)), ""} }
				known := make(map[string]opinion)
				go w.Watch(t.Context(), func(r Report) {
					for _, v := range r.Verdicts {
						known[v.ID] = opinion{v.State, v.Factor}
					}
				})
				want := make(map[string]Target)
				for generation := range uint64(200) {
					var targets []Target
					var removed []string
					full := r.IntN(4) == 0
					old := maps.Clone(want)
					if full {
						clear(want)
					}
					for range r.IntN(6) {
						s := server(r.IntN(4))
						s.ID = fmt.Sprint("t", r.IntN(8))
						s.Port = uint16(1 + r.IntN(3)*100)
						s.Interval, s.Timeout = time.Second, 300*time.Millisecond
						s.Initial, s.Factor = State(r.IntN(3)), Factor(r.IntN(3))
						targets = append(targets, s)
						if o, ok := old[s.ID]; !ok || o.key() != s.key() || s.Initial != StateUnknown {
							s := s.normal()
							known[s.ID] = s.initial() // that is what Initial and Factor mean
						}
						want[s.ID], old[s.ID] = s, s
					}
					if !full {
						for range r.IntN(4) {
							id := fmt.Sprint("t", r.IntN(8))
							named := false
							for _, s := range targets {
								named = named || s.ID == id
							}
							if !named {
								removed = append(removed, id)
								delete(want, id)
								delete(known, id)
							}
						}
					}
					w.Apply(generation, full, targets, removed)
					w.pass(time.Duration(r.IntN(1500)) * time.Millisecond)

					w.check(generation, want, known)
				}
				w.Apply(1000, true, nil, nil)
				w.pass(10 * time.Second)
				equal(t, "groups, schedule, probes, stuck probes at the end",
					[]int{len(w.groups), len(w.heap), w.workers.busy, w.workers.stuck}, []int{0, 0, 0, 0})
			})
		})
	}
}

// check says whether the engine holds the targets that it should, and the watcher what the engine does.
func (w *world) check(generation uint64, want map[string]Target, known map[string]opinion) {
	w.Engine.mu.Lock()
	defer w.Engine.mu.Unlock()
	if len(w.members) != len(want) {
		w.t.Errorf("generation %d: %d targets, should be %d", generation, len(w.members), len(want))
	}
	for id, s := range want {
		m := w.members[id]
		if s = s.normal(); m == nil || m.group.key != s.key() {
			w.t.Errorf("generation %d: %s is not as it should be", generation, id)
		}
		if known[id] != m.opinion {
			w.t.Errorf("generation %d: the watcher takes %s for %v, it is %v", generation, id, known[id], m.opinion)
		}
	}
	for k, g := range w.groups {
		if g.key != k || len(g.members) == 0 && !g.gone() || len(g.members) > 0 && g.in == 0 && g.status != queued {
			w.t.Errorf("generation %d: a group is lost: %+v", generation, g)
		}
	}
	for i, g := range w.heap {
		if g.in != i+1 || i > 0 && g.at < w.heap[(i-1)/2].at {
			w.t.Errorf("generation %d: the heap is in disorder", generation)
		}
	}
}

func TestSummariesCountWhatHappenedSinceTheLast(t *testing.T) {
	inWorld(t, Config{Summaries: 5 * time.Second}, func(t *testing.T, w *world) {
		a, b := server(1), server(1)
		a.ID, b.ID = "a", "b"
		a.Interval, b.Interval = time.Second, time.Second
		a.Fall, b.Fall = 9, 9
		w.watch()
		w.pass(500 * time.Millisecond)
		w.answers(func(context.Context, Target) error {
			time.Sleep(20 * time.Millisecond)
			if at := time.Since(w.start); at > 6*time.Second && at < 8*time.Second {
				return errRefused
			}
			return nil
		})
		w.Apply(1, true, []Target{a}, nil)
		w.pass(3200 * time.Millisecond)
		w.Apply(2, false, []Target{b}, nil)
		w.told()
		w.pass(7 * time.Second)
		var got []Summary
		for _, r := range w.told() {
			got = append(got, r.Summaries...)
		}
		const latency = 20 * time.Millisecond
		want := map[string][]Summary{
			"a": {{ID: "a", Successes: 5, Latency: latency}, {ID: "a", Successes: 3, Failures: 2, Latency: latency, LastError: "connection refused"}},
			"b": {{ID: "b", Successes: 1, Latency: latency}, {ID: "b", Successes: 3, Failures: 2, Latency: latency, LastError: "connection refused"}},
		}
		by := make(map[string][]Summary)
		for _, s := range got {
			by[s.ID] = append(by[s.ID], s)
		}
		equal(t, "summaries", by, want)
	})
}

func TestTargetsThatWereNotProbedHaveNoSummary(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval = time.Hour
		w.Apply(1, true, []Target{s}, nil)
		w.watch()
		w.pass(6 * time.Second)
		w.told()
		w.pass(time.Minute)
		equal(t, "reports", len(w.told()), 0)
	})
}

func TestManySummariesComeInSeveralReports(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.watch()
		w.Apply(1, true, servers(2500), nil)
		w.pass(4 * time.Second)
		w.told()
		w.pass(1500 * time.Millisecond)
		total := 0
		for _, r := range w.told() {
			if len(r.Summaries) > reportSize {
				t.Errorf("a report has %d summaries", len(r.Summaries))
			}
			total += len(r.Summaries)
		}
		equal(t, "summaries", total, 2500)
	})
}

func TestASlowWatcherIsToldTheLatestStateAndNothingQueues(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := server(1)
		s.Interval = time.Second
		n := 0
		w.answers(func(context.Context, Target) error { // up, down, up, down ...
			if n++; n%2 == 0 {
				return errRefused
			}
			return nil
		})
		w.watch()
		release := make(chan struct{})
		var slow []Report
		go w.Watch(t.Context(), func(r Report) { slow = append(slow, r); <-release })
		synctest.Wait()
		w.Apply(1, true, []Target{s}, nil)
		w.pass(1001 * time.Second) // 1002 probes
		equal(t, "verdicts of a watcher that keeps up", len(w.said()), 1002)
		close(release)
		synctest.Wait()
		equal(t, "reports to the slow one", len(slow), 3) // the snapshot, the latest state, the summary that was due
		var verdicts []Verdict
		var counted uint64
		for _, r := range slow {
			verdicts = append(verdicts, r.Verdicts...)
			for _, s := range r.Summaries {
				counted += s.Successes + s.Failures
			}
		}
		equal(t, "verdicts", verdicts, []Verdict{
			{ID: s.ID, State: StateDown, Reason: "connection refused", Since: w.start.Add(1001 * time.Second)}})
		equal(t, "results in its summaries", counted, uint64(1002))
	})
}

func TestEveryWatchBeginsWithASnapshotOfAllTargets(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.Apply(7, true, servers(3), nil)
		w.pass(time.Second)
		for range 2 {
			w.watch()
			equal(t, "the first report", w.told(), []Report{{Generation: 7, Snapshot: true, Verdicts: []Verdict{
				{ID: "web/0", State: StateUp, Since: w.start},
				{ID: "web/1", State: StateUp, Since: w.start.Add(time.Millisecond)},
				{ID: "web/2", State: StateUp, Since: w.start.Add(2 * time.Millisecond)},
			}}})
		}
	})
}

func TestASnapshotOfNothingIsASnapshotToo(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.watch()
		equal(t, "the first report", w.told(), []Report{{Snapshot: true, Verdicts: []Verdict{}}})
	})
}

func TestWatchEndsWithItsContext(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() { err = w.Watch(ctx, func(Report) {}) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if err != context.Canceled {
			t.Errorf("Watch returned %v", err)
		}
		equal(t, "watchers", len(w.watchers), 0)
	})
}
