package process_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/process"
)

// TestMain makes this process one to which orphans come, as PID 1. All tests share a Table: there can be one reaper only.
func TestMain(m *testing.M) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	table = process.NewTable()
	os.Exit(m.Run())
}

var table *process.Table

// A record is an io.Writer that keeps each Write.
type record struct {
	mu     sync.Mutex
	writes []string
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, string(p))
	return len(p), nil
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.writes...)
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it never came to be that %s", what)
}

func sh(script string) process.Command {
	return process.Command{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

func TestExitStatusIsToldAsAShellTellsIt(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -9 $$": 137} {
		if got, err := table.Run(sh(script)); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", script, got, err, want)
		}
	}
	if _, err := table.Run(process.Command{Argv: []string{"/no/such/program"}}); err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("no program: got %v", err)
	}
}

func TestManyThatEndAtOnceAreAllTold(t *testing.T) {
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got, err := table.Run(sh("exit 3")); err != nil || got != 3 {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
	all.Wait()
}

func TestOrphansAreReaped(t *testing.T) {
	out := &record{}
	c := sh("sleep 0.05 & echo $!")
	c.Output = out
	if _, err := table.Run(c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the orphan was named", func() bool { return len(out.all()) > 0 })
	var pid int
	if _, err := fmt.Sscan(out.all()[0], &pid); err != nil {
		t.Fatal(err)
	}
	// A zombie is a process yet.
	eventually(t, "the orphan was gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

func TestEachLineOfOutputIsOneWrite(t *testing.T) {
	out := &record{}
	c := sh("echo one; echo two >&2; printf three")
	c.Output = out
	if _, err := table.Run(c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "three lines came", func() bool { return len(out.all()) == 3 })
	if got := strings.Join(out.all(), "|"); got != "one\n|two\n|three\n" {
		t.Errorf("got %q", got)
	}
}

func TestProcessThatIsNiceLeavesTheProcessorToOthers(t *testing.T) {
	out := &record{}
	c := sh("sleep 0.2; nice")
	c.Output, c.Nice = out, 10
	if _, err := table.Run(c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it said how nice it is", func() bool { return len(out.all()) == 1 })
	if got := out.all()[0]; got != "10\n" {
		t.Errorf("got %q, want 10", got)
	}
}

func TestServiceIsStartedAgainAndEndsWhenTold(t *testing.T) {
	out := &record{}
	c := sh("echo started; exit 1")
	c.Output = out
	s := &process.Service{Table: table, Command: c, Grace: time.Second, Log: func(string, ...any) {}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	eventually(t, "it was started twice", func() bool { return len(out.all()) >= 2 })
	if s.Runs() > time.Minute {
		t.Errorf("it runs for %v", s.Runs())
	}
	cancel()
	<-done
}

func TestServiceThatDoesNotEndIsKilledAndItsChildrenLive(t *testing.T) {
	out := &record{}
	// As evenkeel leaves its vrrp plugin: a child in a session of its own.
	c := sh("trap '' TERM; setsid sleep 30 & echo $!; while :; do sleep 0.05; done")
	c.Output = out
	s := &process.Service{Table: table, Command: c, Grace: 200 * time.Millisecond, Log: func(string, ...any) {}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	eventually(t, "it ran", func() bool { return len(out.all()) == 1 && s.PID() != 0 })
	service := s.PID()
	cancel()
	<-done
	if err := syscall.Kill(service, 0); err != syscall.ESRCH {
		t.Errorf("the service: got %v, want it gone", err)
	}
	var child int
	if _, err := fmt.Sscan(out.all()[0], &child); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Errorf("its child in another session was ended too: %v", err)
	}
	_ = syscall.Kill(child, syscall.SIGKILL)
	eventually(t, "the child was reaped", func() bool { return syscall.Kill(child, 0) == syscall.ESRCH })
}

func TestServiceOfATerminalHasItAnewEachTime(t *testing.T) {
	master, tty := pty(t)
	c := sh("test -t 0 && test -t 1 && test -t 2 && echo session $(ps -o tty= -p $$); read -r line; echo $line; exit 1")
	c.TTY = tty
	s := &process.Service{Table: table, Command: c, Grace: time.Second, Slowest: time.Millisecond, Log: func(string, ...any) {}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	r := bufio.NewReader(master)
	for range 3 { // the end of each hangs the terminal up
		line, err := r.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != "session "+strings.TrimPrefix(tty, "/dev/") {
			t.Fatalf("got %q, %v", line, err)
		}
		time.Sleep(20 * time.Millisecond) // a terminal that does not wait for a line would end it
		if _, err := master.WriteString("more\n"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the terminal's echo, and the shell's
			if line, err := r.ReadString('\n'); err != nil || strings.TrimSpace(line) != "more" {
				t.Fatalf("got %q, %v", line, err)
			}
		}
	}
	cancel()
	<-done
}

// pty returns a terminal, and its other end.
func pty(t *testing.T) (master *os.File, path string) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	path = fmt.Sprintf("/dev/pts/%d", n)
	// One end is kept open, so that the other never reads that all others are closed.
	keep, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keep.Close() })
	return master, path
}
