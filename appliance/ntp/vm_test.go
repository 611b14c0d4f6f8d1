package ntp

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel's clock is everybody's: it is changed in a virtual machine only.
func TestVMTheKernelsClockGoesForwardAndIsSlowedDown(t *testing.T) {
	if os.Getenv("EVENKEEL_IN_VM") == "" {
		t.Skip("sets the clock: image/lab runs it in a virtual machine")
	}
	var k Kernel
	real := func() time.Time { return time.Now().Round(0) } // without the monotonic clock
	before := real()
	if err := k.Forward(90*time.Minute + 250*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if moved := real().Sub(before); moved < 90*time.Minute+250*time.Millisecond || moved > 90*time.Minute+5*time.Second {
		t.Errorf("it went forward by %v", moved)
	}
	tick := func() int64 {
		var tx unix.Timex
		if _, err := unix.Adjtimex(&tx); err != nil {
			t.Fatal(err)
		}
		return tx.Tick
	}
	if takes, err := k.Slow(time.Second); err != nil || takes != 100*time.Second || tick() != slowTick {
		t.Errorf("slowed down for %v, %v, a tick is %d us", takes, err, tick())
	}
	if err := k.Pull(-time.Millisecond, 64*time.Second); err != nil || tick() != normalTick {
		t.Errorf("pulled: %v, a tick is %d us", err, tick())
	}
	var tx unix.Timex
	if state, err := unix.Adjtimex(&tx); err != nil || state == unix.TIME_ERROR || tx.Status&unix.STA_UNSYNC != 0 {
		t.Errorf("the kernel does not take the clock for synchronized: %d, %v, status %#x", state, err, tx.Status)
	}
}
