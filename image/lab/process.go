package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/image/tool"
)

// A Process is a program that was started in a node.
type Process struct {
	name    string
	signal  func(s syscall.Signal, group bool) error
	copyTo  io.Writer         // nil: only kept
	explain func(error) error // adds what the machine's console says; nil: nothing

	mu     sync.Mutex
	output bytes.Buffer
	done   chan struct{}
	exit   int
	err    error
}

func newProcess(name string, copyTo io.Writer) *Process {
	return &Process{name: name, copyTo: copyTo, done: make(chan struct{})}
}

// Output returns what it has written so far, standard output and error as they came.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Signal sends a signal to the process, not to its children. One that has ended is no error.
func (p *Process) Signal(s syscall.Signal) error { return p.signal(s, false) }

// Done is closed when the process has ended, and all that it wrote is in Output.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait returns the exit code, as a shell has it: 128+signal for a process that was killed. When ctx ends first, the process
// and its group are killed.
func (p *Process) Wait(ctx context.Context) (exit int, err error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		_ = p.signal(syscall.SIGKILL, true)
		select {
		case <-p.done:
		case <-time.After(2 * time.Second):
		}
		return -1, fmt.Errorf("%s: %w; it had written: %s", p.name, context.Cause(ctx), tool.Tail(p.Output()))
	}
	if p.err != nil && p.explain != nil {
		return p.exit, p.explain(p.err)
	}
	return p.exit, p.err
}

// Write takes what the process writes.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.output.Write(b)
	p.mu.Unlock()
	if p.copyTo != nil {
		return p.copyTo.Write(b)
	}
	return len(b), nil
}

// end says that it has ended. Only the first call counts.
func (p *Process) end(exit int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
	default:
		p.exit, p.err = exit, err
		close(p.done)
	}
}
