// Package console is what a person sees of a director at a serial line or a screen: the wizard's questions as lines of text, and
// after it the login and the menu.
//
// Everything goes over a [Terminal], in ASCII, for screens of 80 columns and 24 lines, and works at 9600 baud: nothing is
// drawn that is not asked for.
package console

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Terminal is where a person sits, or a script.
type Terminal interface {
	io.ReadWriter
	// Size is how large it is, in characters; 0, 0 if it does not know, as a serial line.
	Size() (columns, rows int)
	// Echo says whether what is written by the person is shown.
	Echo(on bool) error
}

// A File is a Terminal on a file: a tty, or a pipe, which has neither size nor echo.
type File struct {
	In, Out *os.File
}

func (f File) Read(b []byte) (int, error)  { return f.In.Read(b) }
func (f File) Write(b []byte) (int, error) { return f.Out.Write(b) }

// Size asks the kernel (tty_ioctl(4), TIOCGWINSZ).
func (f File) Size() (columns, rows int) {
	_ = control(f.Out, func(fd int) error { // what is no tty has no size
		ws, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			columns, rows = int(ws.Col), int(ws.Row)
		}
		return err
	})
	return columns, rows
}

// Echo sets or clears ECHO (termios(3)). What is no tty echoes nothing.
func (f File) Echo(on bool) error {
	err := control(f.In, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Lflag &^= unix.ECHO
		if on {
			t.Lflag |= unix.ECHO
		}
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
	if err != nil && !errors.Is(err, unix.ENOTTY) {
		return fmt.Errorf("changing the settings of the terminal: %w", err)
	}
	return nil
}

// control does something with a file's descriptor. (File.Fd would make reads block for ever, whoever closes the file.)
func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	if err := c.Control(func(fd uintptr) { done = do(int(fd)) }); err != nil {
		return err
	}
	return done
}

// ErrHangup is the end of the input: the line was hung up, or a script is at its end. Nothing may be changed by it.
var ErrHangup = errors.New("the input has ended before all was answered: nothing was changed")

// longest is how much of a line is kept: more than any answer may have, so that one that is too long is seen to be.
const longest = 8192

// A Lines writes and reads lines on a Terminal.
type Lines struct {
	Terminal Terminal
	Idle     time.Duration // after which a person who writes nothing has gone: ErrIdle; 0: never

	in      *bufio.Reader
	afterCR bool // the last line ended with a carriage return, and a line feed may follow that belongs to it
	section string
}

// NewLines is for a terminal. There is one for each, because it may have read more than was asked for.
func NewLines(t Terminal) *Lines { return &Lines{Terminal: t, in: bufio.NewReader(t)} }

// Printf writes. A line that hangs up is noticed when it is read from.
func (l *Lines) Printf(format string, a ...any) { fmt.Fprintf(l.Terminal, format, a...) }

// ReadLine returns a line without its end, which is a line feed, a carriage return, or both. A line that ends with the input is
// none: ErrHangup.
func (l *Lines) ReadLine() (string, error) {
	var line []byte
	for {
		if err := l.awake(); err != nil {
			return "", err
		}
		b, err := l.in.ReadByte()
		if err != nil {
			return "", fmt.Errorf("%w", ErrHangup)
		}
		feed := b == '\n' && l.afterCR && len(line) == 0
		l.afterCR = b == '\r'
		switch {
		case feed:
		case b == '\n', b == '\r':
			return position.ReplaceAllString(string(line), ""), nil // an answer of the terminal itself, that came too late
		case len(line) < longest:
			line = append(line, b)
		}
	}
}

// ReadSecret writes a prompt, and reads a line that is not shown.
func (l *Lines) ReadSecret(prompt string) (string, error) {
	if err := l.Terminal.Echo(false); err != nil {
		return "", err
	}
	l.Printf("%s", prompt)
	line, err := l.ReadLine()
	if echo := l.Terminal.Echo(true); err == nil {
		err = echo
	}
	l.Printf("\n")
	return line, err
}

// Read writes a prompt, and reads a line.
func (l *Lines) Read(prompt string) (string, error) {
	l.Printf("%s", prompt)
	return l.ReadLine()
}
