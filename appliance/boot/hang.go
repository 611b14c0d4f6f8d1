package boot

import (
	"fmt"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/appliance/heartbeat"
)

const (
	// hangTime is after how long without a heartbeat the box hangs.
	hangTime = time.Minute
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

// hangs says why the watchdog is not to be fed. Who makes the heartbeat, the director that answers and the box that asks it, gets the
// time that it needs for it after its start; one that has ended is started again, which needs no restart of the machine.
func (j *judge) hangs() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.phase != "" {
		if time.Now().After(j.until) {
			return fmt.Errorf("%s takes too long", j.phase)
		}
		return nil
	}
	for _, runs := range j.makers {
		if runs() < hangTime {
			return nil
		}
	}
	age, err := j.beat.Age()
	if err == nil && age > hangTime {
		err = fmt.Errorf("evenkeel runs, and has not answered for %v", age.Round(time.Second))
	}
	return err
}
