// Package watchdog keeps a machine's hardware watchdog from resetting it, for as long as somebody says that all is well
// (Documentation/watchdog/watchdog-api.rst).
package watchdog

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Timeout is after how long without being fed the machine is reset, until somebody wants another time. A driver may know only
// other times, and iTCO_wdt resets when it has passed twice.
const Timeout = 30 * time.Second

// A Dog is an open watchdog. It runs from the moment it is opened, and on after it is closed: only then does a box that
// hangs while it stops, or starts again, come back by itself.
type Dog struct {
	w       io.WriteCloser
	set     func(time.Duration) error
	timeout time.Duration // as it was set last; 0: it is stopped
	Name    string        // what the driver calls itself
}

// Open opens the machine's watchdog, starting it.
func Open(path string) (*Dog, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the watchdog: %w", err)
	}
	d := &Dog{w: f, set: func(t time.Duration) error { return set(int(f.Fd()), t) }, timeout: Timeout, Name: "unknown"}
	_ = d.set(Timeout) // a driver whose time can't be set keeps its own, which is no longer than minutes
	name, err := os.ReadFile(filepath.Join("/sys/class/watchdog", filepath.Base(path)+"0", "identity"))
	if err == nil {
		d.Name = strings.TrimSpace(string(name))
	}
	return d, nil
}

// set sets the time of a driver and starts it, or stops it for the time 0. Some can't be stopped (nowayout).
func set(fd int, t time.Duration) error {
	const disable, enable = 1, 2 // WDIOS_DISABLECARD, WDIOS_ENABLECARD of include/uapi/linux/watchdog.h
	if t == 0 {
		return unix.IoctlSetPointerInt(fd, unix.WDIOC_SETOPTIONS, disable)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.WDIOC_SETOPTIONS, enable); err != nil {
		return err
	}
	return unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, int(t/time.Second))
}

// Feed tells the watchdog that the machine is well now.
func (d *Dog) Feed() error {
	_, err := d.w.Write([]byte{'.'}) // anything but V, which announces that closing stops it
	return err
}

// Close closes the watchdog, which runs on: whoever opens it next has to be there within its time.
func (d *Dog) Close() error { return d.w.Close() }

// Keep feeds the watchdog each second while look has no error, until ctx ends; why it does not is said once. look also says after
// how long without being fed the machine is to be reset; 0: never.
func (d *Dog) Keep(ctx context.Context, look func() (time.Duration, error), log func(format string, args ...any)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var said bool
	for {
		timeout, err := look()
		d.adjust(timeout, log)
		if err == nil {
			said = false
			err = d.Feed()
		}
		if err != nil && !said {
			said = true
			log("the watchdog is not fed: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// adjust sets another time. A driver that does not take it keeps its own, and is fed as before.
func (d *Dog) adjust(timeout time.Duration, log func(format string, args ...any)) {
	if timeout == d.timeout {
		return
	}
	d.timeout = timeout
	if err := d.set(timeout); err != nil {
		log("the watchdog %q does not take a time of %v, and keeps its own: %v", d.Name, timeout, err)
	}
}
