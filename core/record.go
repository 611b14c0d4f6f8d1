package core

import (
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/core/journal"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A record is something for the journal.
type record struct {
	events []sdk.Event
	states map[string]sdk.VRRPState // nil: none
	done   chan<- struct{}          // closed when this is written, and all that was before it; may be nil
}

// A recorder writes down what happens, beside the loop: no verdict waits for a disk. What happens is written, then logged,
// then told to those who follow.
type recorder struct {
	journal *journal.Journal
	log     hclog.Logger
	waiting chan record

	mu        sync.Mutex
	followers map[chan<- struct{}]bool
}

// recordsWaiting is how many records may wait for the disk; with more the loop waits, too, so that no event is lost.
const recordsWaiting = 1024

func newRecorder(j *journal.Journal, log hclog.Logger) *recorder {
	return &recorder{journal: j, log: log, waiting: make(chan record, recordsWaiting), followers: make(map[chan<- struct{}]bool)}
}

// put has a record written. It is called by the loop alone, and not after end.
func (r *recorder) put(x record) { r.waiting <- x }

// end lets run return when everything is written.
func (r *recorder) end() { close(r.waiting) }

// run writes until the end.
func (r *recorder) run() {
	for x := range r.waiting {
		r.write(x)
	}
}

func (r *recorder) write(x record) {
	if x.states != nil {
		if err := r.journal.SaveStates(x.states); err != nil {
			r.log.Error("the states of the vrrp_instances could not be saved", "error", err)
		}
	}
	if len(x.events) > 0 {
		if err := r.journal.Append(x.events); err != nil {
			r.log.Error("an event could not be written down", "error", err)
		}
		for _, e := range x.events {
			r.logEvent(e)
		}
		r.tell()
	}
	if x.done != nil {
		close(x.done)
	}
}

func (r *recorder) logEvent(e sdk.Event) {
	args := []any{"subject", e.Subject}
	if e.From != "" || e.To != "" {
		args = append(args, "from", e.From, "to", e.To)
	}
	if e.Reason != "" {
		args = append(args, "reason", e.Reason)
	}
	args = append(args, "event", e.ID)
	if e.Cause != 0 {
		args = append(args, "cause", e.Cause)
	}
	r.log.Info(e.Kind, args...)
}

// follow has a token put into c, if there is room, whenever there are more events, until unfollow.
func (r *recorder) follow(c chan<- struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followers[c] = true
}

func (r *recorder) unfollow(c chan<- struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.followers, c)
}

func (r *recorder) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.followers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
