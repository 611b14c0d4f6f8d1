package update

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// resetFile on the data partition says that everything there is to go.
const resetFile = "factory-reset"

// ResetLater has the next start of the box forget everything: configuration and its history, passwords, keys, logs. Nothing
// is removed yet: what runs goes on until the restart.
func ResetLater(data string) error {
	f, err := os.OpenFile(filepath.Join(data, resetFile), os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), Book{data}.sync())
	}
	if err != nil {
		return fmt.Errorf("noting the factory reset: %w", err)
	}
	return nil
}

// Reset removes everything from the data partition if ResetLater has been called. It is called at the start of the box,
// before anything else uses the partition. The note goes last: after a power cut it goes on.
func Reset(data string) (done bool, err error) {
	if _, err := os.Lstat(filepath.Join(data, resetFile)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return false, fmt.Errorf("resetting the box: %w", err)
	}
	for _, e := range entries {
		if e.Name() == resetFile || e.Name() == "lost+found" {
			continue
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(data, e.Name())))
	}
	if err == nil {
		err = errors.Join(Book{data}.sync(), os.Remove(filepath.Join(data, resetFile)), Book{data}.sync())
	}
	if err != nil {
		return false, fmt.Errorf("resetting the box: %w", err)
	}
	return true, nil
}
