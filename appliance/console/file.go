package console

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile puts a file in place of the one at path, which only its owner may read, so that after a power cut there is the
// old one or the new one, whole.
func WriteFile(path string, text []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // hidden: not read as a part of a folder's configuration
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("making sure that %s is on the disk: %w", path, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("making sure that %s is on the disk: %w", path, err)
	}
	return nil
}
