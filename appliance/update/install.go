package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// firstBlock is what is written last. Without it a slot is no file system to the boot loader.
const firstBlock = 4096

// An Installer puts updates in.
type Installer struct {
	Disk    Disk
	Running Slot
	Book    Book
	Version string // that runs
	Arch    string // "amd64"
	// Progress is told how many bytes were written, or read back; nil: nobody.
	Progress func(what string, done, all int64)
	Busy     func()           // is told that somebody else has the slot open, which is waited for; nil: nobody
	Now      func() time.Time // nil: the clock
}

// Install goes through all steps but the last. When it returns nil, the next start of the box tries the update. force takes
// a version that has failed before.
func (i *Installer) Install(ctx context.Context, b *Bundle, force bool) error {
	p, err := i.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := i.fits(b.Manifest, force); err != nil {
		return err
	}
	if err := i.fill(ctx, p, b); err != nil {
		return err
	}
	other := i.Running.Other()
	if err := i.Book.note(other, Held{Version: b.Manifest.Version, Checked: i.now()}); err != nil {
		return err
	}
	if err := i.Book.setPending(&Pending{Version: b.Manifest.Version, Slot: other, From: i.Version, Time: i.now()}); err != nil {
		return err
	}
	return i.Disk.Count(func(c *Counter) { c.First, c.Left[other], c.Trial = other, Tries, other })
}

// patience is how long an update waits for another one, or for the slot to be mended.
const patience = 5 * time.Minute

// open opens the slot that does not run. Somebody else may have it open: the box that mends it, or another update.
func (i *Installer) open(ctx context.Context) (Partition, error) {
	for begun, said := time.Now(), false; ; {
		p, err := i.Disk.Open(i.Running.Other())
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Since(begun) > patience {
			return nil, fmt.Errorf("opening slot %s: %w", i.Running.Other(), err)
		}
		if !said && i.Busy != nil {
			said = true
			i.Busy()
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fill puts a slot in, whole and verified, that nothing starts from yet.
func (i *Installer) fill(ctx context.Context, p Partition, b *Bundle) error {
	if b.Manifest.Size > p.Size() {
		return fmt.Errorf("the update has %d bytes, and slot %s has room for %d", b.Manifest.Size, i.Running.Other(), p.Size())
	}
	if err := i.disarm(); err != nil {
		return err
	}
	first, err := i.write(ctx, p, b)
	if err != nil {
		return err
	}
	if err := put(p, first, 0); err != nil {
		return fmt.Errorf("writing slot %s: %w", i.Running.Other(), err)
	}
	return i.verify(ctx, p, b.Manifest)
}

func (i *Installer) now() time.Time {
	if i.Now != nil {
		return i.Now().UTC()
	}
	return time.Now().UTC()
}

// fits says why an update is not for this box, now.
func (i *Installer) fits(m Manifest, force bool) error {
	if m.Architecture != i.Arch {
		return fmt.Errorf("the update is for %s, and this box is %s", m.Architecture, i.Arch)
	}
	if p, err := i.Book.Pending(); err != nil {
		return err
	} else if p != nil && p.Slot == i.Running {
		return fmt.Errorf("version %s runs on trial: it has to prove itself before another update", p.Version)
	}
	failed, err := i.Book.Failed()
	if err != nil {
		return err
	}
	for _, f := range failed {
		if f.Version == m.Version && !force {
			return fmt.Errorf("version %s was tried at %s and did not come up; --force tries it again", f.Version, f.Time.Format(time.RFC3339))
		}
	}
	return nil
}

// disarm sees to it that nothing starts from a slot that is half-written.
func (i *Installer) disarm() error {
	return i.Disk.Count(func(c *Counter) {
		c.First, c.Left[i.Running], c.Left[i.Running.Other()], c.Trial = i.Running, Tries, 0, ""
	})
}

// put writes and waits until it is on the disk.
func put(p Partition, b []byte, at int64) error {
	_, err := p.WriteAt(b, at)
	return errors.Join(err, p.Sync())
}

// write erases the first block, writes all that is behind it, and returns what belongs into the first. The bundle is read to
// its end, and only a whole one has the right sum.
func (i *Installer) write(ctx context.Context, p Partition, b *Bundle) (first []byte, err error) {
	if err := put(p, make([]byte, firstBlock), 0); err != nil {
		return nil, fmt.Errorf("erasing slot %s: %w", i.Running.Other(), err)
	}
	sum := sha256.New()
	first = make([]byte, firstBlock)
	if _, err := io.ReadFull(b.Slot, first); err != nil {
		return nil, cutOff(err)
	}
	sum.Write(first)
	buf := make([]byte, 1<<20)
	for at := int64(firstBlock); at < b.Manifest.Size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(b.Slot, buf[:min(int64(len(buf)), b.Manifest.Size-at)])
		if err != nil {
			return nil, cutOff(err)
		}
		sum.Write(buf[:n])
		if _, err := p.WriteAt(buf[:n], at); err != nil {
			return nil, fmt.Errorf("writing slot %s: %w", i.Running.Other(), err)
		}
		at += int64(n)
		i.progress("written", at, b.Manifest.Size)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != b.Manifest.SHA256 {
		return nil, errors.New("the update is damaged: its sum is not the one that is signed")
	}
	if err := p.Sync(); err != nil {
		return nil, fmt.Errorf("writing slot %s: %w", i.Running.Other(), err)
	}
	return first, nil
}

func (i *Installer) progress(what string, done, all int64) {
	if i.Progress != nil {
		i.Progress(what, done, all)
	}
}

// verify reads the slot back. A disk that has lost something is found out here, and not by the boot loader.
func (i *Installer) verify(ctx context.Context, p Partition, m Manifest) error {
	sum := sha256.New()
	buf := make([]byte, 1<<20)
	for at := int64(0); at < m.Size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(int64(len(buf)), m.Size-at)
		if got, err := p.ReadAt(buf[:n], at); int64(got) != n {
			return fmt.Errorf("reading slot %s back: %w", i.Running.Other(), err)
		}
		sum.Write(buf[:n])
		at += n
		i.progress("verified", at, m.Size)
	}
	want, _ := hex.DecodeString(m.SHA256) // checked when the bundle was opened
	if !bytes.Equal(sum.Sum(nil), want) {
		return fmt.Errorf("slot %s does not hold what was written to it: the disk is damaged", i.Running.Other())
	}
	return nil
}
