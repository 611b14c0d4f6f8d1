// Package cpio writes the "newc" archives that Linux unpacks into its initial root file system
// (Documentation/driver-api/early-userspace/buffer-format.rst). Archives may be concatenated: a later one adds files to
// the earlier and replaces those of the same name.
package cpio

import (
	"fmt"
	"io"
	"path"
	"strings"
)

// The file types of a mode, as in stat(2).
const (
	typeDir     = 0o040000
	typeRegular = 0o100000
	typeSymlink = 0o120000
	typeChar    = 0o020000
)

// A Writer writes one archive. Folders that a name needs are made before it.
type Writer struct {
	w       io.Writer
	written int64
	inode   int
	folders map[string]bool
}

// NewWriter returns a Writer onto w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, folders: map[string]bool{"": true, ".": true}}
}

// Dir adds a folder with mode 0755. One that is there already is left alone.
func (a *Writer) Dir(name string) error {
	name = clean(name)
	if a.folders[name] {
		return nil
	}
	if err := a.Dir(path.Dir(name)); err != nil {
		return err
	}
	a.folders[name] = true
	return a.entry(name, typeDir|0o755, 0, 0, nil)
}

// File adds a regular file with the permission bits of mode.
func (a *Writer) File(name string, mode uint32, data []byte) error {
	if err := a.Dir(path.Dir(clean(name))); err != nil {
		return err
	}
	return a.entry(clean(name), typeRegular|mode&0o7777, 0, 0, data)
}

// Symlink adds a symbolic link to target.
func (a *Writer) Symlink(name, target string) error {
	if err := a.Dir(path.Dir(clean(name))); err != nil {
		return err
	}
	return a.entry(clean(name), typeSymlink|0o777, 0, 0, []byte(target))
}

// CharDevice adds a character device with mode 0600.
func (a *Writer) CharDevice(name string, major, minor int) error {
	if err := a.Dir(path.Dir(clean(name))); err != nil {
		return err
	}
	return a.entry(clean(name), typeChar|0o600, major, minor, nil)
}

// Close ends the archive, filled up with zeros to a multiple of 512 bytes. It does not close the io.Writer.
func (a *Writer) Close() error {
	if err := a.entry("TRAILER!!!", 0, 0, 0, nil); err != nil {
		return err
	}
	return a.pad(512)
}

func (a *Writer) entry(name string, mode uint32, major, minor int, data []byte) error {
	a.inode++
	// magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
	head := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0)
	if err := a.write([]byte(head + name + "\x00")); err != nil {
		return err
	}
	if err := a.pad(4); err != nil {
		return err
	}
	if err := a.write(data); err != nil {
		return err
	}
	return a.pad(4)
}

func (a *Writer) write(p []byte) error {
	n, err := a.w.Write(p)
	a.written += int64(n)
	return err
}

func (a *Writer) pad(to int64) error {
	if rest := a.written % to; rest != 0 {
		return a.write(make([]byte, to-rest))
	}
	return nil
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }
