package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/image/lab/wire"
	"github.com/evenkeel/evenkeel/image/tool"
)

// A VM is a running virtual machine.
type VM struct {
	name    string
	kind    Kind
	cmd     *exec.Cmd
	line    *os.File
	session *session
	console *console
	ended   chan struct{} // closed when its process is gone
	files   []string      // to be removed with it

	// Boot is the time from starting the process until the agent answered, Greeting what it said.
	Boot     time.Duration
	Greeting wire.Greeting
}

// Name implements Node.
func (v *VM) Name() string { return v.name }

// Kind says what it is made of.
func (v *VM) Kind() Kind { return v.kind }

// Console returns the last lines of the kernel's console.
func (v *VM) Console() string { return tool.Tail(v.console.String()) }

// launch starts the machine's process, inside the fabric's namespace and a PID namespace of its own, so that all of its
// processes end with the first. It waits until the agent answers.
func (v *VM) launch(ctx context.Context, fabric namespace) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", v.name, err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "line")
	defer theirs.Close()
	if err := unix.SetNonblock(pair[0], true); err != nil {
		return err
	}
	v.console.panicked = func() { _ = v.cmd.Process.Kill() } // it may be gone already
	v.line = os.NewFile(uintptr(pair[0]), "line")
	v.session = newSession(v.name, v.line)
	v.cmd.ExtraFiles = []*os.File{theirs} // descriptor 3
	v.cmd.Stdout, v.cmd.Stderr = v.console, v.console
	v.cmd.WaitDelay = time.Second
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWPID}
	began := time.Now()
	if err := fabric.start(v.cmd); err != nil {
		v.line.Close()
		return fmt.Errorf("%s: start %s: %w", v.name, v.cmd.Path, err)
	}
	go func() {
		_ = v.cmd.Wait() // the console tells more
		v.line.Close()
		close(v.ended)
	}()
	hello := make(chan error, 1)
	go func() {
		var err error
		v.Greeting, err = v.session.greet()
		hello <- err
		if err == nil {
			_ = v.session.serve() // its processes have the error
		}
	}()
	select {
	case err = <-hello:
	case <-ctx.Done():
		err = fmt.Errorf("%s: no answer from its agent after %.1f s: %w", v.name, time.Since(began).Seconds(), context.Cause(ctx))
	}
	v.Boot = time.Since(began)
	if err != nil {
		v.Kill()
		return v.explain(err)
	}
	return nil
}

// explain adds the console's tail to an error.
func (v *VM) explain(err error) error {
	if log := strings.TrimSpace(v.Console()); log != "" {
		return fmt.Errorf("%w\nconsole of %s:\n%s", err, v.name, log)
	}
	return err
}

// Start implements Node.
func (v *VM) Start(ctx context.Context, output io.Writer, argv ...string) (*Process, error) {
	return v.start(ctx, output, nil, argv)
}

func (v *VM) start(ctx context.Context, output io.Writer, stdin []byte, argv []string) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := v.session.start(output, stdin, argv)
	if err != nil {
		return nil, v.explain(err)
	}
	p.explain = v.explain
	return p, nil
}

// Run implements Node.
func (v *VM) Run(ctx context.Context, script string) (string, int, error) {
	return run(ctx, v, script)
}

// Put writes a file in the machine; folders that it needs are made. Big files had better be in VMOptions.Files.
func (v *VM) Put(ctx context.Context, path string, data []byte) error {
	script := `mkdir -p "$(dirname "$0")" && cat >"$0.new" && mv "$0.new" "$0"`
	p, err := v.start(ctx, nil, append([]byte{}, data...), []string{"/bin/sh", "-c", script, path})
	if err != nil {
		return err
	}
	exit, err := p.Wait(ctx)
	if err != nil || exit != 0 {
		return errors.Join(err, fmt.Errorf("%s: write %s: exit %d: %s", v.name, path, exit, p.Output()))
	}
	return nil
}

// Get reads a file of the machine.
func (v *VM) Get(ctx context.Context, path string) ([]byte, error) {
	p, err := v.start(ctx, nil, nil, []string{"/bin/cat", path})
	if err != nil {
		return nil, err
	}
	exit, err := p.Wait(ctx)
	if err != nil || exit != 0 {
		return nil, errors.Join(err, fmt.Errorf("%s: read %s: exit %d: %s", v.name, path, exit, p.Output()))
	}
	return []byte(p.Output()), nil
}

// Kill cuts the machine's power and waits until all of its processes are gone.
func (v *VM) Kill() {
	_ = v.cmd.Process.Kill() // it may be gone already
	<-v.ended
	for _, f := range v.files {
		os.RemoveAll(f)
	}
}

func ignoreGone(err error) error {
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// A console keeps what a machine's kernel has printed.
type console struct {
	panicked func() // called when the kernel says that it can't go on; it may stay there for ever otherwise

	mu  sync.Mutex
	log []byte
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, p...)
	if over := len(c.log) - 1<<20; over > 0 {
		c.log = append(c.log[:0], c.log[over:]...)
	}
	if bytes.Contains(c.log[max(0, len(c.log)-len(p)-100):], []byte("Kernel panic - not syncing")) {
		time.AfterFunc(200*time.Millisecond, c.panicked) // so that it can say the rest
	}
	return len(p), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.ReplaceAll(string(c.log), "\r", "")
}
