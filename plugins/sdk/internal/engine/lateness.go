package engine

import (
	"errors"
	"syscall"
	"time"
)

const (
	// pulse is how often, at least, the schedule looks at the clock while something is probed.
	pulse = moment(100 * time.Millisecond)
	// slack is how late the schedule may wake up. Timers of an idle machine are late by 1 ms, of a virtual one by up to 50.
	slack = moment(100 * time.Millisecond)
	// mostDoubts is how many results of a target in a row do not count.
	mostDoubts = 3
)

// overdue returns by how much the schedule, which sleeps, should have woken up already; 0 within the slack.
func (e *Engine) overdue(now moment) moment {
	if late := now - e.sleeping; e.sleeping > 0 && late > slack {
		return late
	}
	return 0
}

// doubts says whether the time-out of g's probe may be this process's own fault and does not count: a quarter of
// the time, or more, the engine did not get to run.
func (e *Engine) doubts(g *group, now moment) bool {
	lost := e.lost + e.overdue(now) - g.lost
	return lost >= moment(g.target.Timeout)/4 && g.doubt()
}

// doubt says whether one more result of g in a row may be one that does not count.
func (g *group) doubt() bool {
	if g.doubts == mostDoubts {
		return false
	}
	g.doubts++
	return true
}

// ours says whether an error is a lack of this machine's own, which says nothing of the server: file descriptors, local
// ports, memory.
func ours(err error) bool {
	for _, lack := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}
