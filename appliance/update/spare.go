package update

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/slot"
)

// A Spare keeps the slot that does not run fit to take over, so that damage to the running one has somewhere to go: it holds a
// whole system that may be started, or else becomes a copy of the running one.
type Spare struct {
	Installer Installer
	// Pause is made after every MiB that is read or written: the disk has other things to do.
	Pause time.Duration
}

// Look compares the slot that does not run with its hashes, and fills it when that is needed. It returns what was done, to be said
// to a person; "": nothing. While an update is waiting or on trial there is nothing to do: the slots are the update's.
func (s *Spare) Look(ctx context.Context) (did string, err error) {
	i := s.Installer
	i.Progress = func(string, int64, int64) { s.rest(ctx) }
	other := i.Running.Other()
	if p, err := i.Book.Pending(); err != nil || p != nil {
		return "", err
	}
	c, err := i.Disk.Counter()
	if err != nil {
		return "", fmt.Errorf("reading the boot counter: %w", err)
	}
	held, err := i.Book.Slots()
	if err != nil {
		return "", err
	}
	_, damage := s.check(ctx, other, io.Discard)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if damage == nil && c.Left[other] > 0 {
		h := held[other]
		h.Checked, h.Damage = i.now(), ""
		return "", i.Book.note(other, h)
	}
	why := "it was not to be started"
	if damage != nil {
		why = damage.Error()
		if err := i.Book.note(other, Held{Version: held[other].Version, Checked: i.now(), Damage: why}); err != nil {
			return "", err
		}
	}
	sum := sha256.New()
	v, err := s.check(ctx, i.Running, sum)
	if err != nil {
		return "", fmt.Errorf("slot %s, which runs, can't be copied to slot %s: %w", i.Running, other, err)
	}
	switch err := s.copy(ctx, i, v.Size(), hex.EncodeToString(sum.Sum(nil))); {
	case errors.Is(err, unix.EBUSY):
		return "", nil // an update is being put in
	case err != nil:
		return "", fmt.Errorf("copying slot %s to slot %s: %w", i.Running, other, err)
	}
	return fmt.Sprintf("slot %s holds version %s now, as slot %s does (%s)", other, i.Version, i.Running, why), nil
}

// check compares a slot with its hashes.
func (s *Spare) check(ctx context.Context, which Slot, tee io.Writer) (slot.Verity, error) {
	r, err := s.Installer.Disk.Read(which)
	if err != nil {
		return slot.Verity{}, fmt.Errorf("opening slot %s: %w", which, err)
	}
	defer r.Close()
	return slot.Check(r, io.MultiWriter(tee, &resting{s, ctx, 0}))
}

// copy fills the other slot with the running one, of which size bytes with this sum are what counts.
func (s *Spare) copy(ctx context.Context, i Installer, size int64, sum string) error {
	other := i.Running.Other()
	to, err := i.Disk.Open(other)
	if err != nil {
		return err
	}
	defer to.Close()
	// Nobody else writes to it from here on; an update may have been put in before.
	if p, err := i.Book.Pending(); err != nil {
		return err
	} else if p != nil {
		return unix.EBUSY
	}
	from, err := i.Disk.Read(i.Running)
	if err != nil {
		return err
	}
	defer from.Close()
	b := Bundle{Manifest: Manifest{Version: i.Version, Size: size, SHA256: sum}, Slot: io.NewSectionReader(from, 0, size)}
	if err := i.fill(ctx, to, &b); err != nil {
		return err
	}
	if err := i.Book.note(other, Held{Version: i.Version, Checked: i.now()}); err != nil {
		return err
	}
	return i.Disk.Count(func(c *Counter) { c.Left[other] = Tries })
}

func (s *Spare) rest(ctx context.Context) {
	select {
	case <-time.After(s.Pause):
	case <-ctx.Done():
	}
}

// A resting writer rests after every MiB that it was given, and fails when there is nobody any more to wait for it.
type resting struct {
	spare *Spare
	ctx   context.Context
	bytes int
}

func (r *resting) Write(b []byte) (int, error) {
	if r.bytes += len(b); r.bytes >= 1<<20 {
		r.bytes = 0
		r.spare.rest(r.ctx)
	}
	return len(b), r.ctx.Err()
}
