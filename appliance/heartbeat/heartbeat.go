// Package heartbeat is how the box says to its PID 1 that it is well: a file that is written again and again. PID 1 feeds the
// watchdog, and marks a slot good, only while the newest one is young and good. It imports nothing but the kernel, so that
// PID 1 stays small.
package heartbeat

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultFile is where a box has it: in memory, gone with a restart.
const DefaultFile = "/run/evenkeel/heartbeat"

// Every is how often it is written; a Young one is no older.
const (
	Every = 2 * time.Second
	Young = 15 * time.Second
)

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

// Write says that the box is well, or why it is not.
func (b Beat) Write(problem error) error {
	now, err := b.uptime()
	if err != nil {
		return fmt.Errorf("writing the heartbeat: %w", err)
	}
	text := strconv.FormatInt(int64(now), 10) + "\n"
	if problem != nil {
		text += problem.Error() + "\n"
	}
	err = os.MkdirAll(filepath.Dir(b.File), 0o755)
	if err == nil {
		err = os.WriteFile(b.File+".new", []byte(text), 0o600)
	}
	if err == nil {
		err = os.Rename(b.File+".new", b.File)
	}
	if err != nil {
		return fmt.Errorf("writing the heartbeat: %w", err)
	}
	return nil
}

// Well says why the box is not well; nil: it is.
func (b Beat) Well() error {
	text, err := os.ReadFile(b.File)
	if err != nil {
		return fmt.Errorf("there is no heartbeat: %w", err)
	}
	at, problem, _ := strings.Cut(string(text), "\n")
	then, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("the heartbeat can't be read: %w", err)
	}
	now, err := b.uptime()
	if err != nil {
		return fmt.Errorf("reading the heartbeat: %w", err)
	}
	if age := now - time.Duration(then); age > Young {
		return fmt.Errorf("the last heartbeat was %s ago", age.Round(time.Second))
	}
	if problem = strings.TrimSpace(problem); problem != "" {
		return errors.New(problem)
	}
	return nil
}
