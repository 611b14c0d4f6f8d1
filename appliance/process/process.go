// Package process starts processes as PID 1 has to: whatever ends is reaped, a child of its own or one whose parent went
// before it. os/exec can't be used beside it: its Wait and the reaping of everybody would take each other's.
package process

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// A Table has the children that were started with it.
type Table struct {
	mu       sync.Mutex // held while a child is started, for it not to be reaped before it is known
	children map[int]chan<- syscall.WaitStatus
}

// NewTable returns a Table that reaps every child of this process from now on.
func NewTable() *Table {
	t := &Table{children: map[int]chan<- syscall.WaitStatus{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			t.reap()
		}
	}()
	return t
}

func (t *Table) reap() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if done := t.children[pid]; done != nil {
			delete(t.children, pid)
			done <- status
		}
	}
}

// A Command is what a process is started with.
type Command struct {
	Argv   []string // Argv[0] is the program's path
	Env    []string
	Input  *os.File  // nil: nothing to read
	Output io.Writer // of what it writes to its outputs, line by line; nil: nobody
	Nice   int       // how much it leaves the processor to others (nice(2)); 0: as this process
	TTY    string    // not "": all three are this terminal, by its path, which becomes that of a new session
}

// A Process is a child.
type Process struct {
	PID    int
	Status <-chan syscall.WaitStatus // gets one value, when it has ended
}

// Start starts a process in a session of its own, so that a signal to it is one to it alone. Its output is read until the
// last of its descendants has closed it, also after its end.
func (t *Table) Start(c Command) (*Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Argv[0], err)
	}
	defer null.Close()
	in, out := null, null
	sys := &syscall.SysProcAttr{Setsid: true}
	switch {
	case c.TTY != "":
		// Opened for each process: a terminal that was hung up stays so for whoever had it open. A serial line is not waited
		// for (O_NONBLOCK), and does not become PID 1's own.
		tty, err := os.OpenFile(c.TTY, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", c.Argv[0], err)
		}
		defer tty.Close()
		if err := syscall.SetNonblock(int(tty.Fd()), false); err != nil {
			return nil, fmt.Errorf("start %s: %w", c.Argv[0], err)
		}
		in, out = tty, tty
		sys.Setctty = true // of descriptor 0
	case c.Output != nil:
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", c.Argv[0], err)
		}
		defer w.Close()
		out = w
		go func() {
			defer r.Close()
			copyLines(c.Output, r)
		}()
	}
	if c.Input != nil {
		in = c.Input
	}
	done := make(chan syscall.WaitStatus, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	pid, err := syscall.ForkExec(c.Argv[0], c.Argv, &syscall.ProcAttr{
		Dir: "/", Env: c.Env, Files: []uintptr{in.Fd(), out.Fd(), out.Fd()}, Sys: sys,
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Argv[0], err)
	}
	t.children[pid] = done
	if c.Nice != 0 {
		// Of its process group, which is its own, so that it is of all threads that it has by now.
		_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, c.Nice) // it may have ended
	}
	return &Process{PID: pid, Status: done}, nil
}

// Run runs a process to its end and returns its exit status; one that a signal ended has 128 and the signal's number, as
// a shell says it.
func (t *Table) Run(c Command) (int, error) {
	p, err := t.Start(c)
	if err != nil {
		return -1, err
	}
	return Exit(<-p.Status), nil
}

// Exit returns a status as a shell says it.
func Exit(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}
