package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Book is a folder on the data partition, with what is being tried and what has failed.
type Book struct{ Dir string }

// Pending is an update that has not proved itself yet.
type Pending struct {
	Version string    `json:"version"`
	Slot    Slot      `json:"slot"`
	From    string    `json:"from"` // the version before it
	Time    time.Time `json:"time"`
}

// A Failure is a version that did not come up.
type Failure struct {
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
}

// mostFailures is how many versions are remembered.
const mostFailures = 20

// Pending returns what is being tried; nil: nothing. A note that is half-written was never acted upon.
func (b Book) Pending() (*Pending, error) {
	p := &Pending{}
	ok, err := b.read("pending.json", p)
	if !ok || p.Slot != A && p.Slot != B {
		return nil, err
	}
	return p, nil
}

func (b Book) setPending(p *Pending) error {
	if p == nil {
		err := os.Remove(filepath.Join(b.Dir, "pending.json"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = b.sync()
		}
		if err != nil {
			return fmt.Errorf("noting that the update is over: %w", err)
		}
		return nil
	}
	if err := b.write("pending.json", p); err != nil {
		return fmt.Errorf("noting the update: %w", err)
	}
	return nil
}

// Failed returns the versions that did not come up, the newest last.
func (b Book) Failed() ([]Failure, error) {
	var fs []Failure
	_, err := b.read("failed.json", &fs)
	return fs, err
}

func (b Book) addFailure(f Failure) error {
	had, err := b.Failed()
	if err != nil {
		return err
	}
	var failed []Failure
	for _, h := range had {
		if h.Version != f.Version {
			failed = append(failed, h)
		}
	}
	failed = append(failed, f)
	if err := b.write("failed.json", failed[max(0, len(failed)-mostFailures):]); err != nil {
		return fmt.Errorf("noting that version %s did not come up: %w", f.Version, err)
	}
	return nil
}

// forgive forgets that a version has failed: it came up after all.
func (b Book) forgive(version string) error {
	had, err := b.Failed()
	if err != nil {
		return err
	}
	var failed []Failure
	for _, h := range had {
		if h.Version != version {
			failed = append(failed, h)
		}
	}
	if len(failed) == len(had) {
		return nil
	}
	return b.write("failed.json", failed)
}

// Held is what is known of a slot.
type Held struct {
	Version string    `json:"version"`
	Checked time.Time `json:"checked"`          // when it was compared with its hashes last
	Damage  string    `json:"damage,omitempty"` // what was wrong then
}

// Slots returns what is known of the slots.
func (b Book) Slots() (map[Slot]Held, error) {
	slots := map[Slot]Held{}
	_, err := b.read("slots.json", &slots)
	return slots, err
}

func (b Book) note(s Slot, h Held) error {
	slots, err := b.Slots()
	if err != nil {
		return err
	}
	slots[s] = h
	if err := b.write("slots.json", slots); err != nil {
		return fmt.Errorf("noting what slot %s holds: %w", s, err)
	}
	return nil
}

// Released returns the virtual routers whose role this director has given away for an update, and takes back afterwards.
func (b Book) Released() ([]string, error) {
	var names []string
	_, err := b.read("released.json", &names)
	return names, err
}

// SetReleased notes them. None: they were taken back.
func (b Book) SetReleased(names []string) error {
	if err := b.write("released.json", names); err != nil {
		return fmt.Errorf("noting which roles were given away: %w", err)
	}
	return nil
}

// read reads a note. ok is false if there is none, or half of one.
func (b Book) read(name string, into any) (ok bool, err error) {
	text, err := os.ReadFile(filepath.Join(b.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading what updates were tried: %w", err)
	}
	return json.Unmarshal(text, into) == nil, nil
}

func (b Book) write(name string, note any) error {
	text, err := json.Marshal(note)
	if err == nil {
		err = os.MkdirAll(b.Dir, 0o700)
	}
	if err != nil {
		return err
	}
	path := filepath.Join(b.Dir, name)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return b.sync()
}

func (b Book) sync() error {
	d, err := os.Open(b.Dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
