package ntp

import (
	"math/bits"
	"time"

	"golang.org/x/sys/unix"
)

// Kernel is the kernel's clock.
type Kernel struct{}

// Now is the time by the clock.
func (Kernel) Now() time.Time { return time.Now() }

// Forward sets the clock forward. That is one addition in the kernel, however long this process is kept from running.
func (Kernel) Forward(d time.Duration) error {
	t := &unix.Timex{Modes: unix.ADJ_SETOFFSET | unix.ADJ_NANO}
	t.Time.Sec, t.Time.Usec = int64(d/time.Second), int64(d%time.Second) // ADJ_NANO: Usec is nanoseconds
	_, err := unix.Adjtimex(t)
	if err != nil {
		return err
	}
	return normalSpeed()
}

// Pull gives the kernel's phase-locked loop a measurement. It learns from it how fast the clock runs, too. That the clock is
// synchronized lets the kernel set the hardware's clock by it (CONFIG_RTC_SYSTOHC), every eleven minutes.
func (Kernel) Pull(d, period time.Duration) error {
	if err := normalSpeed(); err != nil {
		return err
	}
	constant := bits.Len64(uint64(period/time.Second)) - 1 - 4 // the time constant of the loop, as RFC 5905 has it: 2^n * 16 s
	_, err := unix.Adjtimex(&unix.Timex{
		Modes:  unix.ADJ_OFFSET | unix.ADJ_NANO | unix.ADJ_STATUS | unix.ADJ_TIMECONST | unix.ADJ_MAXERROR | unix.ADJ_ESTERROR,
		Status: unix.STA_PLL, Offset: int64(d), Constant: int64(max(constant, 0)),
	})
	return err
}

// A tick is 10 ms (USER_HZ is 100 everywhere); slowTick makes the clock lose one per cent. Timers of everything on the box go
// slower by as much, VRRP's too: far less than what the protocol leaves room for.
const (
	normalTick = 10000 // microseconds
	slowTick   = 9900
)

// Slow makes the clock lose one hundredth, and returns how long that is to go on.
func (Kernel) Slow(d time.Duration) (time.Duration, error) {
	_, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_TICK, Tick: slowTick})
	return d * normalTick / (normalTick - slowTick), err
}

func normalSpeed() error {
	_, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_TICK, Tick: normalTick})
	return err
}
