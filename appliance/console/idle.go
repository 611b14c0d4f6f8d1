package console

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ErrIdle is a person who has written nothing for a while. It is a hang-up: whatever waits for an answer has got none.
var ErrIdle = fmt.Errorf("nothing was written for too long: %w", ErrHangup)

// A Waiter is a Terminal that can say whether anything was written.
type Waiter interface {
	// Wait returns when something can be read, or the input has ended; ready is false if that took longer than d.
	Wait(d time.Duration) (ready bool, err error)
}

// Wait asks the kernel (poll(2)).
func (f File) Wait(d time.Duration) (ready bool, err error) {
	end := time.Now().Add(d)
	err = control(f.In, func(fd int) error {
		for {
			left := max(0, time.Until(end))
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int((left+time.Millisecond-1)/time.Millisecond))
			if errors.Is(err, unix.EINTR) && left > 0 {
				continue
			}
			ready = n > 0
			return err
		}
	})
	if err != nil {
		return false, fmt.Errorf("waiting for the terminal: %w", err)
	}
	return ready, nil
}

// awake waits until there is something to read, but not longer than Idle.
func (l *Lines) awake() error {
	w, ok := l.Terminal.(Waiter)
	if l.Idle == 0 || !ok || l.in.Buffered() > 0 {
		return nil
	}
	if ready, err := w.Wait(l.Idle); err == nil && !ready {
		return ErrIdle
	}
	return nil // what is wrong is seen when it is read from
}
