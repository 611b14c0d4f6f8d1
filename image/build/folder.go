package build

import (
	"io/fs"
	"os"
	"path/filepath"
)

// A folder is a root file system in the making. Everything in it gets the modes that are asked for, whatever umask says.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// Dir makes a folder, and those above it, the root too.
func (f folder) Dir(name string) error {
	if err := os.MkdirAll(f.path(name), 0o755); err != nil {
		return err
	}
	for p := filepath.Clean(name); ; p = filepath.Dir(p) {
		if err := os.Chmod(f.path(p), 0o755); err != nil || p == "." {
			return err
		}
	}
}

// File writes a file.
func (f folder) File(name string, mode uint32, data []byte) error {
	if err := f.Dir(filepath.Dir(name)); err != nil {
		return err
	}
	if err := os.WriteFile(f.path(name), data, fs.FileMode(mode)); err != nil {
		return err
	}
	return os.Chmod(f.path(name), fs.FileMode(mode))
}

// Copy copies a file from elsewhere.
func (f folder) Copy(name string, mode uint32, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return f.File(name, mode, data)
}

// Symlink makes a symbolic link to target, unless something of that name is there.
func (f folder) Symlink(name, target string) error {
	if err := f.Dir(filepath.Dir(name)); err != nil {
		return err
	}
	if _, err := os.Lstat(f.path(name)); err == nil {
		return nil
	}
	return os.Symlink(target, f.path(name))
}
