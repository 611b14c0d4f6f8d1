package boot

import (
	"fmt"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/appliance/heartbeat"
	"github.com/evenkeel/evenkeel/appliance/watchdog"
)

const (
	// answerTime is what a program gets for its first answer after it was started.
	answerTime = time.Minute
	// startTime is what the way up may take: the check of a large data partition that was not unmounted takes minutes.
	startTime = 15 * time.Minute
	// endTime is what the way down may take.
	endTime = 2 * time.Minute
)

// A judge says by the heartbeat whether the box hangs, which a restart of the machine may mend.
type judge struct {
	beat   heartbeat.Beat
	makers []func() time.Duration // for how long each has run (process.Service.Runs)

	mu    sync.Mutex
	phase string    // what is being done that no heartbeat is asked for; "": the box is up
	until time.Time // it must be done
}

// begin says that the box does something now that no heartbeat is asked for, for some time at most.
func (j *judge) begin(phase string, most time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.phase, j.until = phase, time.Now().Add(most)
}

// watch says that the box is up: these make the heartbeat.
func (j *judge) watch(makers ...func() time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.phase, j.makers = "", makers
}

// look says why the watchdog is not to be fed, and after how long that resets the machine: together with the time that is waited
// for a heartbeat it is the limit that the heartbeat has. Who makes the heartbeat, the director that answers and the box that asks
// it, gets the time that it needs for it after its start; one that has ended is started again, which needs no restart of the machine.
func (j *judge) look() (time.Duration, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	age, limit, err := j.beat.Read()
	timeout := min(limit/2, watchdog.Timeout)
	if j.phase != "" {
		if time.Now().After(j.until) {
			return watchdog.Timeout, fmt.Errorf("%s takes too long", j.phase)
		}
		return watchdog.Timeout, nil
	}
	for _, runs := range j.makers {
		if runs() < max(limit, answerTime) {
			return timeout, nil
		}
	}
	if err == nil && limit > 0 && age > limit-timeout {
		err = fmt.Errorf("evenkeel runs, and has not answered for %v", age.Round(time.Second))
	}
	return timeout, err
}
