package boot

import (
	"context"
	"os"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/appliance/disk"
	"github.com/evenkeel/evenkeel/appliance/slot"
)

// trialTime is what an update has to prove itself in, which takes a minute when all is well.
const trialTime = 5 * time.Minute

// trial ends a try of an update that does not prove itself, whatever hinders it: the box starts again, and after three tries
// the boot loader takes the slot before it. It does not need anything of the update but its init.
func (s *system) trial(ctx context.Context) {
	d, err := disk.Below("/sys", "/dev", slot.Mapped)
	if err != nil {
		return // and there is no counter that could say so
	}
	counter, err := d.Partition(disk.Counter)
	if err != nil {
		return
	}
	onTrial := func() bool {
		c, err := slot.ReadCounter(counter)
		return err == nil && c.Trial == s.start.Slot
	}
	if failed(ctx, onTrial) {
		s.log.Error("the update in slot %s was not well for a minute in %v: starting again", s.start.Slot, trialTime)
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // as /sbin/reboot does
	}
}

// failed says whether an update is on trial, and still is when its time is over.
func failed(ctx context.Context, onTrial func() bool) bool {
	if !onTrial() {
		return false
	}
	select {
	case <-time.After(trialTime):
		return onTrial()
	case <-ctx.Done():
		return false
	}
}
