// Package heartbeat is how a box says to its PID 1 that it does not hang: a file that is written again and again while
// evenkeel answers, or while there is no configuration that it could run. PID 1 feeds the watchdog by it. It imports nothing but
// the kernel, so that PID 1 stays small.
package heartbeat

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultFile is where a box has it: in memory, gone with a restart.
const DefaultFile = "/run/evenkeel/heartbeat"

// Every is how often it is written.
const Every = 2 * time.Second

// A Beat reads and writes the file.
type Beat struct {
	File string
	// Uptime is a clock that nobody sets, and that goes on while the machine sleeps; nil: CLOCK_BOOTTIME.
	Uptime func() (time.Duration, error)
}

func (b Beat) uptime() (time.Duration, error) {
	if b.Uptime != nil {
		return b.Uptime()
	}
	var ts unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano()), err
}

// DefaultLimit is what no configuration says otherwise.
const DefaultLimit = time.Minute

// Write is one beat. limit is after how long without another one the machine is to be reset; 0: never.
func (b Beat) Write(limit time.Duration) error {
	now, err := b.uptime()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(b.File), 0o755)
	}
	if err == nil {
		err = os.WriteFile(b.File+".new", fmt.Appendf(nil, "%d %d\n", now, limit), 0o600)
	}
	if err == nil {
		err = os.Rename(b.File+".new", b.File)
	}
	if err != nil {
		return fmt.Errorf("writing the heartbeat: %w", err)
	}
	return nil
}

// Read returns how long ago the last beat was, and its limit; before the first one, how long the machine is up.
func (b Beat) Read() (age, limit time.Duration, err error) {
	now, err := b.uptime()
	if err != nil {
		return 0, DefaultLimit, fmt.Errorf("reading the heartbeat: %w", err)
	}
	text, err := os.ReadFile(b.File)
	if errors.Is(err, fs.ErrNotExist) {
		return now, DefaultLimit, nil
	}
	var then time.Duration
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %d\n", &then, &limit)
	}
	if err != nil {
		return 0, DefaultLimit, fmt.Errorf("reading the heartbeat: %w", err)
	}
	return now - then, limit, nil
}
