package traffic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// An Answer is what became of one request.
type Answer struct {
	Began, Ended time.Time
	Who          string // Failed when there was no answer
	Err          error  // why
}

// Failed stands for an answer that did not come.
const Failed = "FAILED"

// once asks once.
func once(ctx context.Context, ask func(context.Context) (string, error)) Answer {
	a := Answer{Began: time.Now()}
	a.Who, a.Err = ask(ctx)
	a.Ended = time.Now()
	if a.Err != nil {
		a.Who = Failed
	}
	return a
}

// String says what became of the request and when.
func (a Answer) String() string {
	what := a.Who
	if a.Err != nil {
		what = a.Err.Error()
	}
	return fmt.Sprintf("%s after %.3f s: %s", a.Began.Format("15:04:05.000"), a.Ended.Sub(a.Began).Seconds(), what)
}

// A Stream is a client that asks again and again, one request after the other.
type Stream struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	answers []Answer
}

// Start begins to ask, every so often, until Stop or the end of ctx.
func Start(ctx context.Context, every time.Duration, ask func(context.Context) (string, error)) *Stream {
	ctx, cancel := context.WithCancel(ctx)
	s := &Stream{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			a := once(ctx, ask)
			if ctx.Err() != nil {
				return // this one was broken off
			}
			s.mu.Lock()
			s.answers = append(s.answers, a)
			s.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}()
	return s
}

// Stop ends it and returns all answers. A request that is under way is broken off and does not count.
func (s *Stream) Stop() []Answer {
	s.cancel()
	<-s.done
	return s.Answers()
}

// Answers returns what has come so far.
func (s *Stream) Answers() []Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}

// Between returns the answers to requests that began at or after from and before to.
func Between(answers []Answer, from, to time.Time) []Answer {
	return slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool { return a.Began.Before(from) || !a.Began.Before(to) })
}

// Tally returns how often each answer came.
func Tally(answers []Answer) map[string]int {
	counts := map[string]int{}
	for _, a := range answers {
		counts[a.Who]++
	}
	return counts
}

// Failures returns the answers that did not come.
func Failures(answers []Answer) []Answer {
	return slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool { return a.Err == nil })
}

// Names returns who answered, in order, without Failed.
func Names(counts map[string]int) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(counts)), func(n string) bool { return n == Failed })
}
