package lab

import (
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
)

// A VM is a running virtual machine.
type VM struct {
	name    string
	kind    Kind
	cmd     *exec.Cmd
	line    *os.File
	conn    *wire.Conn
	console *console
	ended   chan struct{} // closed when its process is gone
	files   []string      // to be removed with it

	// Boot is the time from starting the process until the agent answered, Greeting what it said.
	Boot     time.Duration
	Greeting wire.Greeting

	mu        sync.Mutex
	last      uint32
	processes map[uint32]*Process
	broken    error // set when the line has ended
}

// Name implements Node.
func (v *VM) Name() string { return v.name }

// Kind says what it is made of.
func (v *VM) Kind() Kind { return v.kind }

// Console returns the last lines of the kernel's console.
func (v *VM) Console() string { return tail(v.console.String()) }

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
	v.line = os.NewFile(uintptr(pair[0]), "line")
	v.conn = wire.New(v.line)
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
	go v.receive(hello)
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

// receive hands what the agent says to the processes it is about, until the line ends.
func (v *VM) receive(hello chan<- error) {
	err := func() error {
		f, err := v.conn.Receive()
		if err != nil {
			return err
		}
		if f.Kind != wire.Hello {
			return fmt.Errorf("its agent began with a frame of kind %d", f.Kind)
		}
		if err := f.Decode(&v.Greeting); err != nil {
			return err
		}
		hello <- nil
		for {
			f, err := v.conn.Receive()
			if err != nil {
				return err
			}
			v.mu.Lock()
			p := v.processes[f.Process]
			v.mu.Unlock()
			if p == nil {
				continue
			}
			switch f.Kind {
			case wire.Output:
				_, _ = p.Write(f.Body)
			case wire.Exit:
				var e wire.Ended
				if err := f.Decode(&e); err != nil {
					return err
				}
				v.forget(f.Process)
				if e.Error != "" {
					p.end(e.Code, fmt.Errorf("%s: %s", p.name, e.Error))
				} else {
					p.end(e.Code, nil)
				}
			}
		}
	}()
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.ECONNRESET) {
		err = errors.New("the machine is gone")
	}
	err = fmt.Errorf("%s: %w", v.name, err)
	select {
	case hello <- err:
	default:
	}
	v.mu.Lock()
	v.broken = err
	left := v.processes
	v.processes = nil
	v.mu.Unlock()
	for _, p := range left {
		p.end(-1, v.explain(fmt.Errorf("%s: %w", p.name, err)))
	}
}

func (v *VM) forget(id uint32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.processes, id)
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
	p := newProcess(v.name+": "+strings.Join(argv[:min(len(argv), 3)], " "), output)
	v.mu.Lock()
	if v.broken != nil {
		defer v.mu.Unlock()
		return nil, v.explain(v.broken)
	}
	v.last++
	id := v.last
	v.processes[id] = p
	v.mu.Unlock()
	p.signal = func(s syscall.Signal, group bool) error {
		return v.conn.Send(wire.Signal, id, wire.Kill{Signal: int(s), Group: group})
	}
	err := v.conn.Send(wire.Exec, id, wire.Command{Argv: argv, Stdin: stdin != nil})
	if err == nil && stdin != nil {
		if err = v.conn.Send(wire.Stdin, id, stdin); err == nil {
			err = v.conn.Send(wire.CloseStdin, id, nil)
		}
	}
	if err != nil {
		v.forget(id)
		return nil, v.explain(fmt.Errorf("%s: %w", p.name, err))
	}
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
	return len(p), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.ReplaceAll(string(c.log), "\r", "")
}
