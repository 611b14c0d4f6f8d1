package gauge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How often is asked. A look at the table costs up to 30 µs in a User Mode Linux machine.
const (
	startEvery  = 10 * time.Millisecond
	reloadEvery = time.Millisecond
)

// start starts a daemon in a session of its own, which outlives this process, and waits for the whole table in the kernel,
// or for a text in its log.
func start(ctx context.Context, t table, log, said string, argv []string) (Reading, error) {
	if len(argv) == 0 {
		return Reading{}, errors.New("no command")
	}
	file, err := os.Create(log)
	if err != nil {
		return Reading{}, err
	}
	defer file.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	so := t.full
	if said != "" {
		so = func() (bool, error) {
			b, err := os.ReadFile(log)
			return bytes.Contains(b, []byte(said)), err
		}
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Reading{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	seconds, err := until(ctx, began, startEvery, func() (bool, error) {
		select {
		case err := <-ended:
			return false, fmt.Errorf("%s ended: %v", argv[0], err)
		default:
			return so()
		}
	})
	if err != nil {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // it may be gone
		return Reading{}, fmt.Errorf("%w; %d services were complete; the log ends: %s", err, t.complete, lastLines(log))
	}
	return Reading{Seconds: seconds, PID: cmd.Process.Pid}, nil
}

// reload has a daemon read its configuration again, in which a real server of the first service has a new weight.
func reload(ctx context.Context, t table, pid, weight int) (Reading, error) {
	switch had, err := t.hasWeight(weight); {
	case err != nil:
		return Reading{}, err
	case had:
		return Reading{}, fmt.Errorf("a real server has weight %d already", weight)
	}
	began := time.Now()
	if err := unix.Kill(pid, unix.SIGHUP); err != nil {
		return Reading{}, fmt.Errorf("signal process %d: %w", pid, err)
	}
	seconds, err := until(ctx, began, reloadEvery, func() (bool, error) { return t.hasWeight(weight) })
	return Reading{Seconds: seconds}, err
}

// stop ends a daemon in order.
func stop(ctx context.Context, pid int) (Reading, error) {
	all, err := tree(procFS, pid)
	if err != nil {
		return Reading{}, err
	}
	began := time.Now()
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		return Reading{}, fmt.Errorf("signal process %d: %w", pid, err)
	}
	seconds, err := until(ctx, began, startEvery, func() (bool, error) {
		for _, p := range all {
			if unix.Kill(p, 0) == nil {
				return false, nil
			}
		}
		return true, nil
	})
	return Reading{Seconds: seconds}, err
}

// runCommand runs a command to its end.
func runCommand(ctx context.Context, input string, argv []string) (Reading, error) {
	if len(argv) == 0 {
		return Reading{}, errors.New("no command")
	}
	in, err := os.Open(input)
	if err != nil {
		return Reading{}, err
	}
	defer in.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = in
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Reading{}, fmt.Errorf("%s: %w: %s", argv[0], err, out)
	}
	return Reading{Seconds: time.Since(began).Seconds()}, nil
}

// writes asks for the count of writes, again and again for half a minute while there is a problem: a busy machine may not
// answer in time.
func writes(ctx context.Context, argv []string) (n uint64, err error) {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		if n, err = writesNow(ctx, argv); err == nil || ctx.Err() != nil || time.Now().After(end) {
			return n, err
		}
	}
}

// writesNow runs "evenkeel status --brief --json" and picks the count of writes out of it here.
func writesNow(ctx context.Context, argv []string) (uint64, error) {
	if len(argv) == 0 {
		return 0, errors.New("no command")
	}
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return 0, err
	}
	return parseWrites(out)
}

// parseWrites reads a status as JSON. A 64-bit number is a string there (protobuf's JSON mapping).
func parseWrites(status []byte) (uint64, error) {
	var s struct {
		Balancer *struct {
			Writes   *uint64 `json:"writes,string"`
			Failures []string
			Problem  string
		}
	}
	if err := json.Unmarshal(status, &s); err != nil {
		return 0, fmt.Errorf("read the status: %w", err)
	}
	switch b := s.Balancer; {
	case b == nil || b.Writes == nil:
		return 0, errors.New("the status says nothing of balancer.writes")
	case b.Problem != "" || len(b.Failures) > 0:
		return 0, fmt.Errorf("the status says: %s %q", b.Problem, b.Failures)
	default:
		return *b.Writes, nil
	}
}
