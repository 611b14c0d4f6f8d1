package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// sockets is the folder in which each incarnation of a plugin has one of its own for its socket. Only root, or this
// process's user, gets into those; plugins must be able to pass through to theirs.
//
// A plugin that is killed leaves its socket, and a core that is killed all of them. So a folder's name begins with
// the process that made it, by PID and start time, and whoever comes later removes those of the dead.
type sockets struct {
	path   string
	owner  string
	closed bool // others can't pass through to it

	mu   sync.Mutex
	next int
}

// maxSocketPath is the length of the longest path that a socket can have, in bytes: sun_path in unix(7) with its NUL.
const maxSocketPath = 107

func newSockets(runDir string, living map[string]bool) (*sockets, error) {
	abs, err := filepath.Abs(runDir)
	if err != nil {
		return nil, fmt.Errorf("finding the folder of sockets: %w", err)
	}
	s := &sockets{path: filepath.Join(abs, "p")}
	if n := len(s.path) + len("/2hwcg.1234567-12345/plugin1234567890"); n > maxSocketPath {
		return nil, fmt.Errorf("making the folder of sockets: %q is too long by %d bytes for a socket's path", runDir, n-maxSocketPath)
	}
	if err := os.MkdirAll(s.path, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of sockets: %w", err)
	}
	if err := os.Chmod(s.path, 0o711); err != nil {
		return nil, fmt.Errorf("making the folder of sockets: %w", err)
	}
	started, err := startTime(os.Getpid())
	if err != nil {
		return nil, err
	}
	s.owner = ownerName(os.Getpid(), started)
	s.closed = !passable(s.path)
	return s, s.sweep(living)
}

// passable says whether everybody may pass through all folders of a path.
func passable(path string) bool {
	for ; path != "/"; path = filepath.Dir(path) {
		if i, err := os.Stat(path); err != nil || i.Mode().Perm()&0o001 == 0 {
			return false
		}
	}
	return true
}

// sweep removes the folders of cores that are no more, but for those of plugins that go on.
func (s *sockets) sweep(living map[string]bool) error {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return fmt.Errorf("sweeping the folder of sockets: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if living[filepath.Join(s.path, e.Name())] {
			continue
		}
		if owner, _, _ := strings.Cut(e.Name(), "-"); lives(owner) {
			continue
		}
		errs = append(errs, os.RemoveAll(filepath.Join(s.path, e.Name())))
	}
	return errors.Join(errs...)
}

// lives says whether the process of an ownerName is still there.
func lives(owner string) bool {
	name, _, _ := strings.Cut(owner, ".")
	pid, err := strconv.ParseInt(name, 36, 32)
	if err != nil {
		return false
	}
	started, err := startTime(int(pid))
	return err == nil && owner == ownerName(int(pid), started)
}

// somebodyElses says whether a folder is of a core that lives and is not this one.
func (s *sockets) somebodyElses(folder string) bool {
	owner, _, _ := strings.Cut(filepath.Base(folder), "-")
	return owner != s.owner && lives(owner)
}

// open makes a folder for one incarnation, which belongs to the plugin's user.
func (s *sockets) open(uid, gid int) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var dir string
	for made := false; !made; {
		s.next++
		dir = filepath.Join(s.path, s.owner+"-"+strconv.Itoa(s.next))
		err := os.Mkdir(dir, 0o700)
		if made = err == nil; !made && !errors.Is(err, os.ErrExist) { // of another supervisor in this process
			return "", fmt.Errorf("making a folder for the socket: %w", err)
		}
	}
	if uid != os.Geteuid() {
		if err := os.Chown(dir, uid, gid); err != nil {
			return "", errors.Join(fmt.Errorf("making a folder for the socket: %w", err), os.RemoveAll(dir))
		}
	}
	return dir, nil
}

// close removes the folder if nobody else has anything in it.
func (s *sockets) close() error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the folder of sockets: %w", err)
	}
	return nil
}

// ownerName is short, because a socket's path is: digits and letters.
func ownerName(pid int, started uint64) string {
	return strconv.FormatInt(int64(pid), 36) + "." + strconv.FormatUint(started, 36)
}

// startTime returns when a process began, in the kernel's ticks since boot: field 22 of /proc/PID/stat, proc(5).
func startTime(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("asking when process %d began: %w", pid, err)
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // from field 3, after the name in parentheses
	if len(fields) < 20 {
		return 0, fmt.Errorf("asking when process %d began: /proc has %d fields", pid, len(fields))
	}
	started, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("asking when process %d began: %w", pid, err)
	}
	return started, nil
}
