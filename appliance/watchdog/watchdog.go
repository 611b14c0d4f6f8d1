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

// Timeout is after how long without being fed the machine is reset. A driver may know only other times, and iTCO_wdt resets
// when it has passed twice.
const Timeout = 30 * time.Second

// A Dog is an open watchdog. It runs from the moment it is opened, and on after it is closed: only then does a box that
// hangs while it stops, or starts again, come back by itself.
type Dog struct {
	w    io.WriteCloser
	Name string // what the driver calls itself
}

// Open opens the machine's watchdog, starting it.
func Open(path string) (*Dog, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the watchdog: %w", err)
	}
	// A driver whose time can't be set keeps its own, which is no longer than minutes.
	_ = unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, int(Timeout/time.Second))
	name, err := os.ReadFile(filepath.Join("/sys/class/watchdog", filepath.Base(path)+"0", "identity"))
	if err != nil {
		name = []byte("unknown")
	}
	return &Dog{w: f, Name: strings.TrimSpace(string(name))}, nil
}

// Feed tells the watchdog that the machine is well now.
func (d *Dog) Feed() error {
	_, err := d.w.Write([]byte{'.'}) // anything but V, which announces that closing stops it
	return err
}

// Close closes the watchdog, which runs on: whoever opens it next has to be there within its time.
func (d *Dog) Close() error { return d.w.Close() }

// Keep feeds the watchdog while well says so, until ctx ends. Why it does not is said once.
func (d *Dog) Keep(ctx context.Context, well func() error, log func(format string, args ...any)) {
	tick := time.NewTicker(Timeout / 6)
	defer tick.Stop()
	var said bool
	for {
		err := well()
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
