package script

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A tree is a file system, as far as the question needs it.
type tree interface {
	Lstat(path string) (fs.FileInfo, error)
	Readlink(path string) (string, error)
}

type osTree struct{}

func (osTree) Lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }
func (osTree) Readlink(path string) (string, error)   { return os.Readlink(path) }

// maxLinks is how many symbolic links may lie on the way, as in path_resolution(7).
const maxLinks = 40

// onlyRoots says whether nobody but root can put another program in a program's place: the file, all folders on the way
// to it and those of symbolic links must be root's, and writable by no other user and no group but root's. A sticky
// folder such as /tmp is no exception: who may create the name first decides what is run.
func onlyRoots(t tree) func(path string) error {
	return func(path string) error {
		links := 0
		return walk(t, path, &links)
	}
}

func walk(t tree, path string, links *int) error {
	at := "/"
	parts := strings.Split(strings.Trim(filepath.Clean(path), "/"), "/")
	for i := -1; i < len(parts); i++ {
		if i >= 0 {
			at = filepath.Join(at, parts[i])
		}
		info, err := t.Lstat(at)
		if err != nil {
			var errno syscall.Errno
			if e, ok := err.(*fs.PathError); ok {
				errno, _ = e.Err.(syscall.Errno)
			}
			if errno != 0 {
				return fmt.Errorf("%s: %w", at, errno)
			}
			return err
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok:
			return fmt.Errorf("refused: nobody knows whose %s is", at)
		case owner.Uid != 0:
			return fmt.Errorf("refused: %s belongs to user %d and not to root", at, owner.Uid)
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			if *links++; *links > maxLinks {
				return fmt.Errorf("%s: %w", path, syscall.ELOOP)
			}
			to, err := t.Readlink(at)
			if err != nil {
				return err
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(at), to)
			}
			return walk(t, filepath.Join(append([]string{to}, parts[i+1:]...)...), links)
		}
		switch perm := info.Mode().Perm(); {
		case perm&0o002 != 0:
			return fmt.Errorf("refused: %s is writable by everybody", at)
		case perm&0o020 != 0 && owner.Gid != 0:
			return fmt.Errorf("refused: %s is writable by group %d", at, owner.Gid)
		}
	}
	return nil
}
