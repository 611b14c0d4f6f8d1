// Package engine is the schedule behind every check plugin: it probes targets at their intervals, counts rise and fall,
// and tells watchers which verdicts changed. It knows nothing of gRPC and nothing of package sdk, which adapts it.
//
// One goroutine holds the schedule, a heap of what is to be done next; a bounded set of goroutines probes. Identical
// targets are one group and are probed once. Each group has a phase, its place inside the interval, and phases are
// spread evenly, so that ten thousand targets at one second are sixteen probes every 1.6 milliseconds and never a burst.
//
// A Starter probes without a goroutine for each probe, for types of which there are very many: see there.
//
// New targets of which nothing is known are looked at soon: a hundred within 0.1 s, ten thousand within 10 s, each within its
// interval at the latest. That is a courtesy: when the machine cannot carry it, and the schedule is late, those whose
// turn it was wait for their phases, so that a start is no more work than an interval is. Targets with a verdict from before
// wait for their phases from the beginning.
//
// The engine suspects itself first. While probes run, its schedule looks at the clock ten times a second, and so knows for
// how long this process, or the whole machine, did not get to run. A time-out of which that was a good part says nothing of
// the server: it does not count, and the server is looked at again after the retry interval. That is done three times in a
// row at most, so that a server that is really gone goes out even on a machine that is always too busy. It is the same with
// a failure for want of file descriptors, local ports or memory.
//
// Watchers are level-triggered: each has a set of the targets whose state it has not seen, and is told the latest state
// when it is ready for it. A slow watcher delays nobody and queues nothing.
package engine

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"
)

// A State is what is known of a target.
type State uint8

// The states, with the numbers of sdk.State.
const (
	StateUnknown State = iota
	StateUp
	StateDown
)

// String returns "unknown", "up" or "down".
func (s State) String() string {
	switch s {
	case StateUp:
		return "up"
	case StateDown:
		return "down"
	}
	return "unknown"
}

// A Target is one thing to probe. Numbers that make no sense are taken as the nearest ones that do: an Interval below
// one millisecond as one millisecond, a Timeout of 0 as the Interval, Fall and Rise below 1 as 1.
type Target struct {
	ID       string
	Address  netip.Addr
	Port     uint16
	Interval time.Duration // from the start of one probe to the start of the next
	Timeout  time.Duration // a probe that takes longer has failed
	Retry    time.Duration // in place of Interval while results contradict the verdict; 0: Interval
	Fall     int           // failures in a row that take an up target down
	Rise     int           // successes in a row that take a down target up
	Spread   time.Duration // over which first probes are spread; 0: as soon as can be
	Egress   Egress        // of the probe's packets
	Config   []byte        // handed to the probe as it is
	Initial  State         // the verdict to start with; StateUnknown lets the first probe decide
	Factor   Factor        // of that verdict
}

// An Egress has the fields of sdk.Egress; it is handed to the probe as it is.
type Egress struct {
	Source    netip.Addr
	Interface string
	Mark      uint32
	Toward    netip.Addr
}

// A Factor has the numbers of sdk.Factor; 0 says nothing.
type Factor uint16

// A Weight is what a successful probe says of the weight of its real server, and why.
type Weight struct {
	Factor Factor
	Reason string
}

// A Verdict is a target's state after rise and fall.
type Verdict struct {
	ID     string
	State  State
	Reason string    // of a failure or a Factor, as Reason makes it; otherwise empty
	Since  time.Time // of the probe that made the State so; zero while that is the target's Initial
	Factor Factor    // of the last successful probe, while the target is up
}

// A Summary is what a target's probes did since the last one.
type Summary struct {
	ID        string
	Successes uint64
	Failures  uint64
	Latency   time.Duration // of the last probe
	LastError string        // of the last failed probe since the last summary
}

// A Report is one message to a watcher.
type Report struct {
	Generation uint64 // of the last Apply that this report knows of
	Snapshot   bool   // Verdicts has every target, those still unknown included
	Verdicts   []Verdict
	Summaries  []Summary
}

// A Config says how an Engine works.
type Config struct {
	// Probe looks at a target once; a nil error is up. It is called by many goroutines at once, but never twice at a time
	// for one target. Of identical targets t has the ID of one. It must not change t.Config.
	Probe func(ctx context.Context, t Target) (Weight, error)
	// Starter, if there is one, probes the targets that it takes in place of Probe.
	Starter Starter
	// Concurrency is how many calls of Probe may run at once; 0 means 4096. A probe that goes on after its time-out no longer
	// counts, so that probes that never end do not stop the others; only that many may do so, though.
	Concurrency int
	// Summaries is the time between two summaries; 0 means five seconds.
	Summaries time.Duration
	// Since is the time since another by the monotonic clock, which also goes on while this process does not run; nil means
	// time.Since.
	Since func(time.Time) time.Duration
}

// ErrClosed is what Watch returns when the engine was closed.
var ErrClosed = errors.New("the check engine is closed")

// An Engine probes targets. Make one with New.
type Engine struct {
	config Config
	start  time.Time       // moments are counted from here
	ctx    context.Context // of every probe
	cancel context.CancelFunc
	once   chan struct{} // slots of Probe
	wake   chan struct{} // to the schedule: something is due earlier than it thinks

	mu         sync.Mutex
	generation uint64
	closed     bool
	members    map[string]*member // by ID
	groups     map[key]*group
	heap       heap
	tick       moment // see tickOf
	sleeping   moment // until when the schedule sleeps
	lost       moment // how long, in sum, the schedule woke up too late
	ready      queue
	watchers   map[*watcher]struct{}
	workers    workers
	started    []*group // by the number of the probe that the Starter has begun; nil: none has that number
	free       []int    // those numbers
}

// New returns an engine without targets. Its goroutines end with Close, but the one that waits for the Starter with that.
func New(c Config) *Engine {
	if c.Concurrency <= 0 {
		c.Concurrency = 4096
	}
	if c.Summaries <= 0 {
		c.Summaries = 5 * time.Second
	}
	if c.Since == nil {
		c.Since = time.Since
	}
	e := &Engine{
		config:   c,
		start:    time.Now(),
		tick:     shortTick,
		once:     make(chan struct{}, onceAtATime),
		wake:     make(chan struct{}, 1),
		members:  make(map[string]*member),
		groups:   make(map[key]*group),
		watchers: make(map[*watcher]struct{}),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.workers.wake.L = &e.mu
	go e.schedule()
	if c.Starter != nil {
		go e.await()
	}
	return e
}

// closeWait is how long Close waits for probes to notice that their context has ended.
const closeWait = 2 * time.Second

// Close ends the schedule and every Watch, cancels the probes that run and waits until they have returned, but no longer
// than two seconds for those that do not listen.
func (e *Engine) Close() {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		e.workers.quiet = make(chan struct{})
		e.workers.wake.Broadcast()
		e.stopAll()
		e.workers.checkQuiet()
	}
	quiet := e.workers.quiet
	e.mu.Unlock()
	e.cancel()

	t := time.NewTimer(closeWait)
	defer t.Stop()
	select {
	case <-quiet:
	case <-t.C:
	}
}
