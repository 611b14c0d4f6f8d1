// Package clock sees to it that a box's time never steps back from one boot to the next, whatever its hardware clock says.
// A time server may still correct it.
package clock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Floor returns the latest of some times: what the clock is set to if it is behind.
func Floor(times ...time.Time) time.Time {
	var latest time.Time
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// Saved returns the time that was saved last; the zero time if none was.
func Saved(path string) (time.Time, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last time: %w", err)
	}
	return st.ModTime(), nil
}

// Save keeps a time as the modification time of an empty file.
func Save(path string, now time.Time) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("save the time: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("save the time: %w", err)
	}
	if err := os.Chtimes(path, now, now); err != nil {
		return fmt.Errorf("save the time: %w", err)
	}
	return nil
}

// Set sets the kernel's clock.
func Set(t time.Time) error {
	tv := unix.NsecToTimeval(t.UnixNano())
	if err := unix.Settimeofday(&tv); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	return nil
}
