package update

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A Device is a partition of a disk, or a file in the place of one.
type Device struct {
	f    *os.File
	size int64
}

// OpenDevice opens a partition for a slot to be written to it. A file system that is mounted from it keeps the kernel from
// letting anybody else write (O_EXCL): the running slot can't be opened by mistake.
func OpenDevice(path string) (*Device, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDWR
	if info.Mode()&os.ModeDevice != 0 {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd) // a device has no size in its inode
	if err != nil {
		return nil, errors.Join(fmt.Errorf("finding the size of %s: %w", path, err), f.Close())
	}
	return &Device{f: f, size: size}, nil
}

// readDevice opens a partition for reading; what is read comes from the disk, not from what the kernel remembers of it.
func readDevice(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s from the disk: %w", path, err), f.Close())
	}
	return f, nil
}

// ReadAt reads.
func (d *Device) ReadAt(b []byte, at int64) (int, error) { return d.f.ReadAt(b, at) }

// WriteAt writes.
func (d *Device) WriteAt(b []byte, at int64) (int, error) { return d.f.WriteAt(b, at) }

// Size is in bytes.
func (d *Device) Size() int64 { return d.size }

// Sync waits until everything is on the disk, and has the kernel forget it, so that what is read then comes from there.
func (d *Device) Sync() error {
	if err := d.f.Sync(); err != nil {
		return err
	}
	return unix.Fadvise(int(d.f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// Close closes it.
func (d *Device) Close() error { return d.f.Close() }
