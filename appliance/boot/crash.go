package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// crashesKept is how many records of crashes are kept.
const crashesKept = 20

// CollectCrashes moves what the kernel left of a crash (pstore: Documentation/admin-guide/pstore-blk.rst; its room is
// small) into a folder, where the newest are kept. It returns how many there were.
func CollectCrashes(pstore, into string, now time.Time) (int, error) {
	entries, err := os.ReadDir(pstore)
	if err != nil {
		return 0, fmt.Errorf("read the kernel's crash records: %w", err)
	}
	var failed error
	count := 0
	for _, e := range entries {
		from := filepath.Join(pstore, e.Name())
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(into, now.UTC().Format("20060102T150405Z-")+e.Name()), text, 0o600)
		}
		if err == nil {
			count++
			err = os.Remove(from)
		}
		failed = errors.Join(failed, err)
	}
	return count, errors.Join(failed, prune(into, crashesKept))
}

// prune removes the files of a folder that come first by name until no more than some are left.
func prune(dir string, most int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	slices.Reverse(entries) // ReadDir sorts by name, which begins with the time
	var failed error
	for _, e := range entries[min(most, len(entries)):] {
		failed = errors.Join(failed, os.Remove(filepath.Join(dir, e.Name())))
	}
	return failed
}
