package script

import (
	"io/fs"
	"syscall"
	"testing"
	"time"
)

// A fakeTree has files by their paths.
type fakeTree map[string]fakeFile

type fakeFile struct {
	uid, gid uint32
	mode     fs.FileMode
	link     string
}

func (t fakeTree) Lstat(path string) (fs.FileInfo, error) {
	f, ok := t[path]
	if !ok {
		return nil, &fs.PathError{Op: "lstat", Path: path, Err: syscall.ENOENT}
	}
	return f, nil
}

func (t fakeTree) Readlink(path string) (string, error) { return t[path].link, nil }

func (f fakeFile) Name() string { return "" }
func (f fakeFile) Size() int64  { return 0 }
func (f fakeFile) Mode() fs.FileMode {
	if f.link != "" {
		return f.mode | fs.ModeSymlink | 0o777
	}
	return f.mode
}
func (f fakeFile) ModTime() time.Time { return time.Time{} }
func (f fakeFile) IsDir() bool        { return f.mode.IsDir() }
func (f fakeFile) Sys() any           { return &syscall.Stat_t{Uid: f.uid, Gid: f.gid} }

func TestOnlyWhatNobodyButRootCanReplaceIsRun(t *testing.T) {
	const dir = fs.ModeDir
	tree := fakeTree{
		"/":             {mode: dir | 0o755},
		"/bin":          {link: "usr/bin"},
		"/usr":          {mode: dir | 0o755},
		"/usr/bin":      {mode: dir | 0o755},
		"/usr/bin/good": {mode: 0o755},
		"/usr/bin/root": {mode: 0o775},            // root's group may
		"/usr/bin/grp":  {mode: 0o775, gid: 50},   // staff may
		"/usr/bin/all":  {mode: 0o757},            // everybody may
		"/usr/bin/user": {mode: 0o700, uid: 1000}, // its owner may
		"/usr/bin/up":   {link: "../bin/good"},
		"/usr/bin/loop": {link: "loop"},
		"/usr/bin/out":  {link: "/tmp/x"},
		"/usr/bin/own":  {link: "good", uid: 1000},
		"/tmp":          {mode: dir | 0o777 | fs.ModeSticky},
		"/tmp/x":        {mode: 0o755},
		"/home":         {mode: dir | 0o755},
		"/home/a":       {mode: dir | 0o755, uid: 1000},
		"/home/a/x":     {mode: 0o755},
		"/staff":        {mode: dir | 0o775, gid: 50},
		"/staff/x":      {mode: 0o755},
	}
	trust := onlyRoots(tree)
	for path, want := range map[string]string{
		"/usr/bin/good": "",
		"/bin/good":     "",
		"/bin/up":       "",
		"/usr/bin/root": "",
		"/usr/bin/grp":  "refused: /usr/bin/grp is writable by group 50",
		"/usr/bin/all":  "refused: /usr/bin/all is writable by everybody",
		"/bin/user":     "refused: /usr/bin/user belongs to user 1000 and not to root",
		"/bin/loop":     "/usr/bin/loop: too many levels of symbolic links",
		"/bin/out":      "refused: /tmp is writable by everybody",
		"/bin/own":      "refused: /usr/bin/own belongs to user 1000 and not to root",
		"/tmp/x":        "refused: /tmp is writable by everybody",
		"/home/a/x":     "refused: /home/a belongs to user 1000 and not to root",
		"/staff/x":      "refused: /staff is writable by group 50",
		"/usr/bin/none": "/usr/bin/none: no such file or directory",
		"/nothing/here": "/nothing: no such file or directory",
	} {
		got := ""
		if err := trust(path); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
