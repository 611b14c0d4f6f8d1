package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A directory is the state directory. Files in it are for its owner alone.
type directory string

// A LockedError says that another daemon has the state directory.
type LockedError struct {
	Dir string
	PID int // of the other; 0: it has not said
}

// Error names the directory and the process.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the state directory %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("the state directory %s is in use by process %d", e.Dir, e.PID)
}

// openDirectory makes the directory if there is none. One that everybody can write to is refused: what is read from it
// becomes configuration.
func openDirectory(dir string) (directory, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the state directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("opening the state directory: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return "", fmt.Errorf("the state directory %s can be written by everybody (mode %04o); make it 0700", dir, info.Mode().Perm())
	}
	return directory(dir), nil
}

func (d directory) path(name string) string { return filepath.Join(string(d), name) }

// lock takes the directory for this process, until the file is closed or the process ends.
func (d directory) lock() (*os.File, error) {
	f, err := os.OpenFile(d.path(lockFile), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the state directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking the state directory %s: %w", d, err)
		}
		b, _ := io.ReadAll(io.LimitReader(f, 32))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		return nil, &LockedError{Dir: string(d), PID: pid}
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing the process id into %s: %w", d.path(lockFile), err), f.Close())
	}
	return f, nil
}

// read returns the content of a file. found is false when there is none; something that is no regular file, or one that
// is larger than the limit, is an error.
func (d directory) read(name string, limit int64) (b []byte, found bool, err error) {
	info, err := os.Lstat(d.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, true, err
	case !info.Mode().IsRegular():
		return nil, true, fmt.Errorf("it is no regular file (%v)", info.Mode())
	case info.Size() > limit:
		return nil, true, fmt.Errorf("it has %d bytes, more than %d", info.Size(), limit)
	}
	b, err = os.ReadFile(d.path(name))
	return b, true, err
}

// readJSON reads a file into v.
func (d directory) readJSON(name string, limit int64, v any) (found bool, err error) {
	b, found, err := d.read(name, limit)
	if err != nil || !found {
		return found, err
	}
	return true, json.Unmarshal(b, v)
}

// writeJSON puts v in the place of a file, as a whole: whoever reads it sees the old content or the new.
func (d directory) writeJSON(name string, v any, sync bool) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.write(name, append(b, '\n'), sync)
}

// write puts content in the place of a file, as a whole. With sync it is on the disk when write returns.
func (d directory) write(name string, b []byte, sync bool) (err error) {
	temp := d.path(name + ".new")
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(b))
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, d.path(name)); err != nil {
		return err
	}
	if sync {
		return d.sync()
	}
	return nil
}

// sync puts the directory itself, that is the names in it, on the disk.
func (d directory) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// putAside moves a file out of the way, in the place of one that was moved before, and returns the error that says so.
func (d directory) putAside(name string, why error) error {
	aside := d.path(name + ".corrupt")
	err := os.RemoveAll(aside)
	if err == nil {
		err = os.Rename(d.path(name), aside)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read (%w) nor moved aside: %w", d.path(name), why, err)
	}
	return fmt.Errorf("%s cannot be read and is now %s: %w", d.path(name), aside, why)
}

// digest returns a checksum of sources.
func digest(sources map[string][]byte) string {
	b, err := json.Marshal(sources) // with sorted keys
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
