package archive

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// guardFile is locked while somebody guards the archive.
const guardFile = ".guard"

// guardEvery is how often a guard looks.
const guardEvery = time.Second

// Guard goes back from each trial that is not confirmed in its time, until ctx ends. back is called then, and again every
// second until it returns nil: it has what runs read what is in use. What a guard that crashed has left is done by the next
// one. failed is called with what went wrong, once as long as it is the same; the error is that there is a guard already.
func (a *Archive) Guard(ctx context.Context, back func(context.Context, Version) error, failed func(error)) error {
	f, err := a.openGuard()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("guarding the configuration, which another process does: %w", err)
	}
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	var pending *Version // that back was not yet called for
	said := ""
	for {
		v, undone, err := a.undoOverdue()
		if undone {
			pending = &v
		}
		if err == nil && pending != nil {
			if err = back(ctx, *pending); err == nil {
				pending = nil
			}
		}
		switch {
		case err == nil:
			said = ""
		case said != err.Error():
			said = err.Error()
			failed(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// undoOverdue goes back from a trial whose time is over, or whose note can't be read.
func (a *Archive) undoOverdue() (Version, bool, error) {
	t, err := a.Trial()
	if err == nil && (t == nil || a.now().Before(t.Until)) {
		return Version{}, false, nil
	}
	return a.Undo("evenkeel")
}

// Guarded says whether somebody will go back from a trial that is not confirmed.
func (a *Archive) Guarded() bool {
	f, err := a.openGuard()
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
}

func (a *Archive) openGuard() (*os.File, error) {
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the archive: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(a.Dir, guardFile), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("guarding the configuration: %w", err)
	}
	return f, nil
}
