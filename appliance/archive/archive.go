// Package archive keeps a box's configuration and its history on the data partition.
//
// A configuration is a few .hcl files. Each one that was ever in use is a version: a folder that is not changed any more, with
// a note who made it, when and why. The link "current" leads to the one in use, and is what evenkeel runs:
//
//	/data/config/current -> versions/000012
//	/data/config/versions/000012/box.hcl, shared.hcl, .version.json
//
// A version is whole on the disk before current leads to it, and changing a link is one step, so that a power cut leaves the
// old configuration or the new one. Nothing is kept that the language finds an error in.
//
// [Archive.Try] puts a version in use for the time being: unless [Archive.Confirm] follows, [Archive.Undo] goes back, also
// after a restart, so that nobody locks himself out.
package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of what is kept.
const (
	Versions = 100     // the oldest go first, but never the one in use
	MostSize = 4 << 20 // bytes of all files of a version
	MostFile = 64      // files of a version
)

// Files are the files of a configuration, by name: "box.hcl".
type Files map[string][]byte

// A Note says whose doing a version is.
type Note struct {
	Who string `json:"who"` // "console", "admin over SSH", "cidata disk"
	Why string `json:"why,omitempty"`
}

// A Version is a configuration of the archive.
type Version struct {
	ID   int       `json:"-"`
	Time time.Time `json:"time"`
	Note
	Hash    string `json:"sha256"` // of all files
	Current bool   `json:"-"`
	// Changed means that somebody has written into the version's files since it was kept.
	Changed bool `json:"-"`
}

// ErrNone is the error of an archive in which nothing is in use.
var ErrNone = errors.New("there is no configuration yet")

// An Archive is a folder of versions. Several processes may use one: each change takes a lock.
type Archive struct {
	Dir string
	// Check returns what is wrong with the configuration in a folder, for a person to read; nil: it is good.
	Check func(dir string) error
	Now   func() time.Time // nil: the clock
}

// Current is the folder with the configuration in use, for "evenkeel run --config".
func (a *Archive) Current() string { return filepath.Join(a.Dir, "current") }

const (
	versionsDir = "versions"
	versionFile = ".version.json" // hidden: a folder's hidden files are no configuration
	tryFile     = "unconfirmed"
)

func (a *Archive) path(id int) string {
	return filepath.Join(a.Dir, versionsDir, fmt.Sprintf("%06d", id))
}

// Save checks a configuration, keeps it and puts it in use. One that is already in use is kept no second time. If the files
// in use were changed by hand, what they are is kept as a version of its own first.
func (a *Archive) Save(files Files, n Note) (Version, error) {
	unlock, err := a.lock()
	if err != nil {
		return Version{}, err
	}
	defer unlock()
	v, err := a.save(files, n)
	if err == nil {
		err = a.settle() // an operator's word is a confirmation
	}
	return v, err
}

func (a *Archive) save(files Files, n Note) (Version, error) {
	if err := a.keepEdits(); err != nil {
		return Version{}, err
	}
	if v, err := a.current(); err == nil && v.Hash == hashOf(files) {
		return v, nil
	}
	v, err := a.add(files, n)
	if err != nil {
		return Version{}, err
	}
	if err := a.use(v.ID); err != nil {
		return Version{}, err
	}
	v.Current = true
	return v, a.prune(v.ID)
}

// keepEdits makes a version of what somebody has changed in the folder in use, good or not: it is what he wrote. The version
// that it was changed from is gone, and its entry goes on saying so.
func (a *Archive) keepEdits() error {
	v, err := a.current()
	if err != nil || !v.Changed {
		return ignoreNone(err)
	}
	files, err := readFiles(a.path(v.ID))
	if err != nil {
		return err
	}
	edited, err := a.write(files, Note{Who: "by hand", Why: "the files of version " + strconv.Itoa(v.ID) + " were changed in their place"})
	if err != nil {
		return err
	}
	return a.use(edited.ID)
}

func ignoreNone(err error) error {
	if errors.Is(err, ErrNone) {
		return nil
	}
	return err
}

// add checks files and writes them as the next version.
func (a *Archive) add(files Files, n Note) (Version, error) {
	if err := a.Examine(files); err != nil {
		return Version{}, err
	}
	return a.write(files, n)
}

// Examine returns what is wrong with files, for a person to read; nil: they may be put in use.
func (a *Archive) Examine(files Files) error {
	if err := bounded(files); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(a.Dir, "check-")
	if err != nil {
		return fmt.Errorf("checking the configuration: %w", err)
	}
	defer os.RemoveAll(dir)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("checking the configuration: %w", err)
		}
	}
	return a.Check(dir)
}

// write writes files as the next version.
func (a *Archive) write(files Files, n Note) (Version, error) {
	ids, err := a.ids()
	if err != nil {
		return Version{}, err
	}
	v := Version{ID: 1, Time: a.now().UTC(), Note: n, Hash: hashOf(files)}
	if len(ids) > 0 {
		v.ID = ids[len(ids)-1] + 1
	}
	meta, err := json.Marshal(v)
	if err != nil {
		return Version{}, fmt.Errorf("keeping the configuration: %w", err)
	}
	fresh := a.path(v.ID) + ".new" // not a number: no version
	err = errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o700))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err == nil {
			err = writeFile(filepath.Join(fresh, name), files[name])
		}
	}
	if err == nil {
		err = writeFile(filepath.Join(fresh, versionFile), append(meta, '\n'))
	}
	if err == nil {
		err = syncDir(fresh)
	}
	if err == nil {
		err = os.Rename(fresh, a.path(v.ID))
	}
	if err == nil {
		err = syncDir(filepath.Join(a.Dir, versionsDir))
	}
	if err != nil {
		return Version{}, fmt.Errorf("keeping the configuration: %w", errors.Join(err, os.RemoveAll(fresh)))
	}
	return v, nil
}

func (a *Archive) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// use makes current lead to a version.
func (a *Archive) use(id int) error {
	fresh := a.Current() + ".new"
	err := os.Remove(fresh)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = os.Symlink(filepath.Join(versionsDir, filepath.Base(a.path(id))), fresh)
	}
	if err == nil {
		err = os.Rename(fresh, a.Current())
	}
	if err == nil {
		err = syncDir(a.Dir)
	}
	if err != nil {
		return fmt.Errorf("putting version %d in use: %w", id, err)
	}
	return nil
}

// Rollback puts an older version in use. It becomes the newest one, so that the history says what was in use when.
func (a *Archive) Rollback(id int, who string) (Version, error) {
	files, err := a.Files(id)
	if err != nil {
		return Version{}, err
	}
	return a.Save(files, Note{Who: who, Why: fmt.Sprintf("back to version %d", id)})
}

// Files are the files of a version.
func (a *Archive) Files(id int) (Files, error) {
	files, err := readFiles(a.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no version %d", id)
	}
	return files, err
}

// lock takes the archive for this process.
func (a *Archive) lock() (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(a.Dir, versionsDir), 0o700); err != nil {
		return nil, fmt.Errorf("making the archive: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(a.Dir, ".lock"), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the archive: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking the archive: %w", err)
	}
	return func() { f.Close() }, nil
}
