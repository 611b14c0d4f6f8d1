package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// List returns the versions, the newest first. One whose note can't be read is there without it.
func (a *Archive) List() ([]Version, error) {
	ids, err := a.ids()
	if err != nil {
		return nil, err
	}
	inUse, err := a.currentID()
	if err != nil && !errors.Is(err, ErrNone) {
		return nil, err
	}
	var vs []Version
	for _, id := range slices.Backward(ids) {
		v := a.version(id)
		v.Current = id == inUse
		vs = append(vs, v)
	}
	return vs, nil
}

// InUse returns the version in use. Its error is ErrNone if there is none.
func (a *Archive) InUse() (Version, error) { return a.current() }

func (a *Archive) current() (Version, error) {
	id, err := a.currentID()
	if err != nil {
		return Version{}, err
	}
	v := a.version(id)
	v.Current = true
	return v, nil
}

func (a *Archive) currentID() (int, error) {
	to, err := os.Readlink(a.Current())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrNone
	}
	if err != nil {
		return 0, fmt.Errorf("finding the configuration in use: %w", err)
	}
	id, err := strconv.Atoi(filepath.Base(to))
	if err != nil {
		return 0, fmt.Errorf("finding the configuration in use: %s leads to %q, which is no version", a.Current(), to)
	}
	if _, err := os.Stat(a.path(id)); errors.Is(err, fs.ErrNotExist) {
		return 0, ErrNone
	}
	return id, nil
}

func (a *Archive) version(id int) Version {
	v := Version{}
	b, err := os.ReadFile(filepath.Join(a.path(id), versionFile))
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		v = Version{Note: Note{Who: "unknown", Why: "its note can't be read"}}
	}
	v.ID = id
	if files, err := readFiles(a.path(id)); err == nil {
		v.Changed = v.Hash != hashOf(files)
	}
	return v
}

// ids are the versions' numbers, the oldest first.
func (a *Archive) ids() ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(a.Dir, versionsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the versions of the configuration: %w", err)
	}
	var ids []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil && id > 0 && e.IsDir() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// prune removes the oldest versions, and what a power cut has left half-written.
func (a *Archive) prune(inUse int) error {
	ids, err := a.ids()
	if err != nil {
		return err
	}
	tried, _ := a.tried()
	surplus := len(ids) - Versions
	for _, id := range ids {
		if surplus <= 0 {
			break
		}
		if id == inUse || id == tried.Former {
			continue
		}
		surplus--
		err = errors.Join(err, os.RemoveAll(a.path(id)))
	}
	for _, pattern := range []string{filepath.Join(versionsDir, "*.new"), "check-*"} {
		left, _ := filepath.Glob(filepath.Join(a.Dir, pattern)) // the pattern is a good one
		for _, path := range left {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}
