package pair

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
)

// A Router is a computer of the lab with a daemon on it.
type Router struct {
	Host   *lab.Host
	Daemon Daemon
	Dir    string // of the daemon's files

	process *lab.Process
}

// New adds a computer to the lab's front bridge, 10.77.0.N and fd00:77::N, with the daemon not yet started.
func New(ctx context.Context, l *lab.Lab, d Daemon, dir string, n int) (*Router, error) {
	name := fmt.Sprintf("r%d", n)
	h, err := l.AddHost(ctx, name, lab.Front, fmt.Sprintf("10.77.0.%d/24", n), fmt.Sprintf("fd00:77::%d/64", n))
	if err != nil {
		return nil, err
	}
	r := &Router{Host: h, Daemon: d, Dir: filepath.Join(dir, name)}
	return r, os.MkdirAll(r.Dir, 0o700)
}

// Configure writes the daemon's configuration; a running one is told by Signal(SIGHUP).
func (r *Router) Configure(c Config) error {
	return os.WriteFile(r.file(), []byte(r.Daemon.Config(c)), 0o600)
}

func (r *Router) file() string { return filepath.Join(r.Dir, "config.hcl") }

// Start starts the daemon.
func (r *Router) Start(ctx context.Context) (err error) {
	for _, f := range []string{"pid", "vrrp.pid"} { // keepalived refuses to start on those of one that was killed
		os.Remove(filepath.Join(r.Dir, f))
	}
	r.process, err = r.Host.Start(ctx, nil, r.Daemon.Command(r.file(), r.Dir)...)
	return err
}

// Log returns what the daemon has written.
func (r *Router) Log() string { return r.process.Output() }

// Signal sends a signal to the daemon's main process.
func (r *Router) Signal(s syscall.Signal) error { return r.process.Signal(s) }

// Kill kills all of the daemon's processes at once, those that send adverts first, and returns when it did so.
func (r *Router) Kill() (time.Time, error) {
	pids, err := r.Pids()
	if err != nil {
		return time.Time{}, err
	}
	now := time.Now()
	for _, p := range slices.Backward(pids) {
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return now, fmt.Errorf("killing process %d of %s: %w", p, r.Host.Name(), err)
		}
	}
	return now, r.ended()
}

// Stop ends the daemon in order, and returns when it was told to.
func (r *Router) Stop() (time.Time, error) {
	now := time.Now()
	return now, errors.Join(r.Signal(syscall.SIGTERM), r.ended())
}

// ended waits for the end of the main process.
func (r *Router) ended() error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	_, err := r.process.Wait(ctx)
	return err
}

// Pids returns the daemon's processes in the order in which they were started: the main one first.
func (r *Router) Pids() ([]int, error) { return pidsIn(r.Host.Namespace()) }

// pidsIn lists the processes in a network namespace.
func pidsIn(namespace string) ([]int, error) {
	var want, is syscall.Stat_t
	if err := syscall.Stat("/run/netns/"+namespace, &want); err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", namespace, err)
	}
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if syscall.Stat("/proc/"+d.Name()+"/ns/net", &is) == nil && is.Ino == want.Ino && is.Dev == want.Dev {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// Addresses returns the addresses of an interface, with prefix length.
func (r *Router) Addresses(ctx context.Context, device string) ([]string, error) {
	out, exit, err := r.Host.Run(ctx, "ip -o address show dev "+device)
	if err != nil || exit != 0 {
		return nil, fmt.Errorf("addresses of %s on %s: exit %d, %w: %s", device, r.Host.Name(), exit, err, out)
	}
	var list []string
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		f := strings.Fields(line)
		if len(f) > 3 && (f[2] == "inet" || f[2] == "inet6") {
			list = append(list, f[3])
		}
	}
	return list, nil
}
