package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps named network namespaces.
const netnsDir = "/run/netns"

// A namespace is a network namespace with a name, which ip(8) knows.
type namespace string

// makeNamespace makes one with its loopback interface up.
func makeNamespace(ctx context.Context, name string) (namespace, error) {
	if err := ip(ctx, "netns", "add", name); err != nil {
		return "", err
	}
	n := namespace(name)
	// No duplicate address detection: an IPv6 address, the link-local one too, is to be of use at once.
	for _, where := range []string{"all", "default"} {
		if err := n.sysctl("net.ipv6.conf." + where + ".accept_dad=0"); err != nil {
			return n, err
		}
	}
	return n, n.ip(ctx, "link", "set", "lo", "up")
}

// ip runs ip(8) inside.
func (n namespace) ip(ctx context.Context, args ...string) error {
	return ip(ctx, append([]string{"-n", string(n)}, args...)...)
}

// carries waits until an interface passes packets. The kernel takes up to a second for that after it is set up, when its
// peer came up later (net/core/link_watch.c), and until then drops what is sent.
func (n namespace) carries(ctx context.Context, dev string) error {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := exec.CommandContext(ctx, "ip", "-n", string(n), "-o", "link", "show", "dev", dev).CombinedOutput()
		if err == nil && strings.Contains(string(out), " state UP ") {
			return nil
		}
		if err == nil && time.Now().After(end) {
			err = errors.New("it has no carrier after 5 s")
		}
		if err != nil {
			return fmt.Errorf("interface %s in network namespace %s: %w: %s", dev, n, err, strings.TrimSpace(string(out)))
		}
	}
}

// sysctl sets "net.ipv4.ip_forward=1" inside.
func (n namespace) sysctl(s string) error {
	key, value, _ := strings.Cut(s, "=")
	return n.do(func() error {
		return os.WriteFile("/proc/sys/"+strings.ReplaceAll(key, ".", "/"), []byte(value), 0)
	})
}

// do calls f on a thread that is in the namespace: sockets that f opens and processes that it starts are in it too.
// f must not start goroutines that do so.
func (n namespace) do(f func() error) (err error) {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter network namespace %s: %w", n, err)
	}
	defer home.Close()
	defer func() {
		// A thread that can't go home stays locked, and the runtime ends it with its goroutine.
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			err = fmt.Errorf("leave network namespace %s: %w", n, back)
			return
		}
		runtime.UnlockOSThread()
	}()
	there, err := os.Open(filepath.Join(netnsDir, string(n)))
	if err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", n, err)
	}
	return f()
}

// start starts a process inside. It dies with this one.
func (n namespace) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &unix.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	return n.do(cmd.Start)
}

// ip runs ip(8).
func ip(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
