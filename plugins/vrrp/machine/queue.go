package machine

import (
	"container/heap"
	"math"
	"slices"
	"time"
)

// never is the deadline of a timer that does not run.
const never = time.Duration(math.MaxInt64)

// A timer is one of the deadlines that an instance may have at the same time.
type timer int

const (
	protocol    timer = iota // Master: the Adver_Timer; Backup: the Master_Down_Timer
	secondSet                // Master: announce again
	refresh                  // Master: announce from time to time
	afterRival               // Master: announce again after another master was heard
	rivalSilent              // Master: the rival was not heard for a Master_Down interval
	timers      = 5
)

// A queue is a heap of all instances, that with the earliest deadline first.
type queue []*Instance

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].position, q[j].position = i, j
}

// Push is heap.Interface's.
func (q *queue) Push(x any) {
	in := x.(*Instance)
	in.position = len(*q)
	*q = append(*q, in)
}

// Pop is heap.Interface's.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	return last
}

// set starts a timer of the instance, or stops it (never).
func (in *Instance) set(t timer, deadline time.Duration) {
	in.timers[t] = deadline
	if due := slices.Min(in.timers[:]); due != in.due {
		in.due = due
		heap.Fix(&in.router.queue, in.position)
	}
}

// quiet stops all timers of the instance.
func (in *Instance) quiet() {
	for t := range timers {
		in.set(timer(t), never)
	}
}
