package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A keep has what outlives a core, in RunDir/keep: for each plugin that goes on without one, a folder of its own, which
// each of its incarnations finds as the one before has left it, and beside it a file by which the next core finds the
// process. The folder is the plugin's, the file is the core's.
type keep struct{ path string }

// A trace is such a file: what is to be known of a process to be sure that it is the one.
type trace struct {
	PID     int    `json:"pid"`
	Started uint64 `json:"started"` // in the kernel's ticks since boot
	UID     int    `json:"uid"`
	Folder  string `json:"folder"` // of the socket
	Socket  string `json:"socket"` // in it
}

func newKeep(runDir string) (*keep, error) {
	abs, err := filepath.Abs(runDir)
	if err != nil {
		return nil, fmt.Errorf("finding the folder of what is kept: %w", err)
	}
	return &keep{filepath.Join(abs, "keep")}, nil
}

// folder makes a plugin's folder, for its user alone, unless it is there.
func (k *keep) folder(name string, uid, gid int) (string, error) {
	if err := os.MkdirAll(k.path, 0o711); err != nil {
		return "", fmt.Errorf("making the folder of what is kept: %w", err)
	}
	if err := os.Chmod(k.path, 0o711); err != nil { // whatever the umask
		return "", fmt.Errorf("making the folder of what is kept: %w", err)
	}
	dir := filepath.Join(k.path, name)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("making the folder of what plugin %s keeps: %w", name, err)
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("making the folder of what plugin %s keeps: %s is no folder", name, dir)
	}
	if err := errors.Join(os.Chmod(dir, 0o700), chown(dir, uid, gid)); err != nil {
		return "", fmt.Errorf("making the folder of what plugin %s keeps: %w", name, err)
	}
	return dir, nil
}

// chown gives a file to a user, if it is somebody else's than this process's.
func chown(path string, uid, gid int) error {
	if uid == os.Geteuid() {
		return nil
	}
	return os.Chown(path, uid, gid)
}

func (k *keep) file(name string) string { return filepath.Join(k.path, name+".json") }

// write leaves a trace of a plugin's process.
func (k *keep) write(name string, t trace) error {
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("leaving a trace of plugin %s: %w", name, err)
	}
	temp := k.file(name) + ".new"
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return fmt.Errorf("leaving a trace of plugin %s: %w", name, err)
	}
	if err := os.Rename(temp, k.file(name)); err != nil {
		return fmt.Errorf("leaving a trace of plugin %s: %w", name, err)
	}
	return nil
}

// forget removes the trace of a process that is no more.
func (k *keep) forget(name string) { os.Remove(k.file(name)) }

// find returns the trace of a plugin that goes on, with a file descriptor of its process. ok is false when there is none:
// what is written is of a process that is no more, or whose number is another's by now.
func (k *keep) find(name string) (t trace, pidfd int, ok bool) {
	b, err := os.ReadFile(k.file(name))
	if err != nil || json.Unmarshal(b, &t) != nil || t.PID <= 1 {
		return t, -1, false
	}
	fd, err := unix.PidfdOpen(t.PID, 0)
	if err != nil {
		return t, -1, false
	}
	// The descriptor is of a process that had the number when it was opened; it is the one that was meant if it began then.
	started, err := startTime(t.PID)
	if err != nil || started != t.Started || ended(fd) {
		unix.Close(fd)
		return t, -1, false
	}
	return t, fd, true
}

// ended says whether a process has: then its descriptor can be read, pidfd_open(2).
func ended(pidfd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// holds says whether a plugin has left something in its folder.
func (k *keep) holds(name string) bool {
	entries, err := os.ReadDir(filepath.Join(k.path, name))
	return err == nil && len(entries) > 0
}

// living returns the socket folders of plugins that go on.
func (k *keep) living() map[string]bool {
	folders := make(map[string]bool)
	files, _ := filepath.Glob(k.file("*"))
	for _, f := range files {
		if t, fd, ok := k.find(strings.TrimSuffix(filepath.Base(f), ".json")); ok {
			unix.Close(fd)
			folders[t.Folder] = true
		}
	}
	return folders
}

// close removes what nobody needs any more: empty folders.
func (k *keep) close() {
	entries, _ := os.ReadDir(k.path)
	for _, e := range entries {
		if e.IsDir() {
			os.Remove(filepath.Join(k.path, e.Name())) // one in which a plugin has left something stays
		}
	}
	os.Remove(k.path)
}

// Lingers says whether a plugin of a former core goes on and waits to be taken over. It is to be asked before Set.
func (s *Supervisor) Lingers(name string) bool {
	_, fd, ok := s.keep.find(name)
	if ok {
		unix.Close(fd)
	}
	return ok
}
