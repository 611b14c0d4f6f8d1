package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Trial is a version that is in use for the time being.
type Trial struct {
	Former int       `json:"former"` // the version to go back to
	Until  time.Time `json:"until"`
}

// Try is Save, for the time being: when it is over without Confirm, Undo should be called. A restart of the box before
// Confirm is an end of the time. Where there was no configuration there is nothing to go back to, and no trial.
func (a *Archive) Try(files Files, n Note, d time.Duration) (Version, error) {
	unlock, err := a.lock()
	if err != nil {
		return Version{}, err
	}
	defer unlock()
	if _, err := a.tried(); err == nil {
		return Version{}, errors.New("another change waits to be confirmed: confirm it or undo it first")
	}
	if err := a.keepEdits(); err != nil {
		return Version{}, err
	}
	former, err := a.current()
	if errors.Is(err, ErrNone) {
		return a.save(files, n)
	}
	if err != nil {
		return Version{}, err
	}
	// The trial is on the disk before the version is in use. If it is not used any more then, Undo goes where the box is.
	b, err := json.Marshal(Trial{Former: former.ID, Until: a.now().Add(d).UTC()})
	if err == nil {
		err = writeFile(filepath.Join(a.Dir, tryFile), b)
	}
	if err == nil {
		err = syncDir(a.Dir)
	}
	if err != nil {
		return Version{}, fmt.Errorf("noting that the change is to be confirmed: %w", err)
	}
	v, err := a.save(files, n)
	if err != nil {
		return Version{}, errors.Join(err, a.settle())
	}
	return v, nil
}

// Trial returns the trial that runs; nil: none does.
func (a *Archive) Trial() (*Trial, error) {
	t, err := a.tried()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &t, nil
}

func (a *Archive) tried() (Trial, error) {
	var t Trial
	b, err := os.ReadFile(filepath.Join(a.Dir, tryFile))
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("reading which change is to be confirmed: %w", err)
	}
	return t, nil
}

// Confirm ends a trial: what is in use stays. Without a trial it does nothing.
func (a *Archive) Confirm() error {
	unlock, err := a.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return a.settle()
}

func (a *Archive) settle() error {
	err := os.Remove(filepath.Join(a.Dir, tryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncDir(a.Dir)
	}
	if err != nil {
		return fmt.Errorf("confirming the change: %w", err)
	}
	return nil
}

// Undo ends a trial by going back to the version before it. undone is false if no trial ran.
func (a *Archive) Undo(who string) (v Version, undone bool, err error) {
	unlock, err := a.lock()
	if err != nil {
		return v, false, err
	}
	defer unlock()
	t, err := a.tried()
	if errors.Is(err, fs.ErrNotExist) {
		return v, false, nil
	}
	if err != nil { // half-written: the version it was for was never in use
		return v, false, a.settle()
	}
	files, err := a.Files(t.Former)
	if err != nil {
		return v, false, fmt.Errorf("going back to version %d: %w", t.Former, err)
	}
	if now, err := a.current(); err == nil && now.ID == t.Former {
		return now, false, a.settle()
	}
	// It was in use before, so it is not checked again: a file that it names may be gone, and it is still the way back.
	if v, err = a.write(files, Note{Who: who, Why: fmt.Sprintf("back to version %d: the change was not confirmed", t.Former)}); err != nil {
		return v, false, err
	}
	if err := a.use(v.ID); err != nil {
		return v, false, err
	}
	v.Current = true
	return v, true, a.settle()
}
