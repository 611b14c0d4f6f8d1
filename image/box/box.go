// Package box starts a disk image as a machine, under QEMU without help of the processor: as slow as the machine that
// runs it, and everywhere.
package box

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Options are what a box is made of.
type Options struct {
	Disk     string // a raw image, which is written to
	Firmware Firmware
	Memory   int      // MiB
	Volumes  []string // raw images of more disks
	Cards    []Card   // nil: one that leads nowhere; an empty list: none
	Args     []string // for QEMU
	// Terminal is what the terminal at the serial line answers when it is asked where its cursor is (DSR and CPR of ECMA-48), in
	// the last column of the last row: "\x1b[24;80R" has 24 rows and 80 columns. "": it does not know the question.
	Terminal string
	// Launch starts QEMU, in a network namespace that has the taps of the cards for example; nil: here.
	Launch func(*exec.Cmd) error
}

// A Card is a network card.
type Card struct {
	Tap   string // the tap device that its cable leads to; "": nowhere
	MAC   string // "": QEMU's
	Model string // as QEMU calls it; "": virtio-net-pci
}

// A Box is a machine that runs.
type Box struct {
	cmd     *exec.Cmd
	started time.Time
	dir     string        // of its files; removed at the end
	done    chan struct{} // closed when it is off
	screen  screen
	// terminal is what is answered to whereIsTheCursor.
	terminal string

	mu   sync.Mutex
	line net.Conn // the other end of its serial line; nil: hung up
}

// Start powers a box on.
func Start(o Options) (*Box, error) {
	dir, err := os.MkdirTemp("", "evenkeel-box-")
	if err != nil {
		return nil, err
	}
	b := &Box{dir: dir, terminal: o.Terminal, done: make(chan struct{}), screen: screen{more: make(chan struct{})}}
	if err := b.start(o); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start a box: %w", err)
	}
	return b, nil
}

func (b *Box) start(o Options) error {
	args, err := arguments(o, b.dir)
	if err != nil {
		return err
	}
	b.cmd = exec.Command("qemu-system-x86_64", args...)
	complaints := &bytes.Buffer{}
	b.cmd.Stdout, b.cmd.Stderr = complaints, complaints
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	launch := o.Launch
	if launch == nil {
		launch = (*exec.Cmd).Start
	}
	b.started = time.Now()
	if err := launch(b.cmd); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = b.cmd.Wait() // what it has said tells more
		close(ended)
	}()
	// QEMU waits for somebody at the serial line before the machine starts.
	if err := b.dial(ended); err != nil {
		_ = b.cmd.Process.Kill()
		<-ended
		return errors.Join(err, errors.New(complaints.String()))
	}
	go func() {
		<-ended
		b.HangUp()
		b.screen.add(b.started, complaints.Bytes())
		close(b.done)
	}()
	return nil
}

// dial connects to the serial line, and reads it.
func (b *Box) dial(ended <-chan struct{}) error {
	for {
		line, err := net.Dial("unix", filepath.Join(b.dir, "serial"))
		if err == nil {
			b.mu.Lock()
			b.line = line
			b.mu.Unlock()
			go func() {
				var last []byte
				chunk := make([]byte, 4096)
				for {
					n, err := line.Read(chunk)
					b.screen.add(b.started, chunk[:n])
					last = b.respond(line, append(last, chunk[:n]...))
					if err != nil {
						return
					}
				}
			}()
			return nil
		}
		select {
		case <-ended:
			return errors.New("QEMU has ended")
		case <-time.After(10 * time.Millisecond): // it has not made the socket yet
		}
	}
}

// whereIsTheCursor is the question for the position of the cursor (DSR of ECMA-48).
var whereIsTheCursor = []byte("\x1b[6n")

// respond does what a terminal does when it is asked. It returns what may be the beginning of a question.
func (b *Box) respond(line net.Conn, said []byte) []byte {
	for b.terminal != "" {
		_, after, asked := bytes.Cut(said, whereIsTheCursor)
		if !asked {
			break
		}
		_, _ = line.Write([]byte(b.terminal)) // who hangs up does not answer
		said = after
	}
	return said[max(0, len(said)-len(whereIsTheCursor)+1):]
}

// HangUp pulls the cable of the serial line. What the box says meanwhile is lost.
func (b *Box) HangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line != nil {
		b.line.Close()
		b.line = nil
	}
}

// Connect puts the cable of the serial line in again.
func (b *Box) Connect() error { return b.dial(b.done) }

// Type sends a text to the console.
func (b *Box) Type(text string) error {
	b.mu.Lock()
	line := b.line
	b.mu.Unlock()
	if line == nil {
		return errors.New("type at a box: nobody is connected to its serial line")
	}
	_, err := line.Write([]byte(text))
	return err
}

// Wait waits for a whole line of the console that matches a pattern. It looks at what was said from an offset on, and returns
// the line, and the offset behind it.
func (b *Box) Wait(ctx context.Context, from int, pattern string) (Line, int, error) {
	return b.screen.wait(ctx, b.done, from, pattern, false)
}

// Prompt is Wait for something that need not be a whole line, such as a question that waits for its answer at the end of the
// console. The pattern may go over several lines, with (?s); the Line has what matches, and no time, and the offset is that
// behind it.
func (b *Box) Prompt(ctx context.Context, from int, pattern string) (Line, int, error) {
	return b.screen.wait(ctx, b.done, from, pattern, true)
}

// Text returns what the console has said from an offset on, without what only moves the cursor.
func (b *Box) Text(from int) string { return b.screen.from(from) }

// Console returns all that the console has said, with times.
func (b *Box) Console() string { return b.screen.String() }

// Started is when the power was switched on.
func (b *Box) Started() time.Time { return b.started }

// CutPower ends the box at once, and waits until it has.
func (b *Box) CutPower() {
	_ = b.cmd.Process.Kill() // it may have ended
	<-b.done
	os.RemoveAll(b.dir)
}

// Done is closed when the box is off.
func (b *Box) Done() <-chan struct{} { return b.done }
