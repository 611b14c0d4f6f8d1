package console

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// measure asks a terminal for its size in the language of everything since the vt100 (ECMA-48: CUP, DSR): the cursor is sent
// further than any screen goes, asked where it is, and sent back.
const measure = "\x1b7\x1b[999;999H\x1b[6n\x1b8"

// position is the answer (ECMA-48: CPR).
var position = regexp.MustCompile("\x1b\\[([0-9]{1,3});([0-9]{1,3})R")

// escape is any other report or key that is no letter.
var escape = regexp.MustCompile("\x1b(\\[[0-?]*[ -/]*[@-~]|[O].|.)")

// A size is how large a terminal says it is, and whether it can be drawn on fast enough.
type size struct {
	columns, rows int
	speed         int  // baud
	serial        bool // the kernel does not know its size
}

// ask asks the terminal how large it is, waits for a while, and tells the kernel what it says (TIOCSWINSZ), because no one else
// does for a serial line. typed is what the person wrote meanwhile. An error is a terminal that does not answer, or none.
func (f File) ask(wait time.Duration) (s size, typed []byte, err error) {
	var in, out unix.Stat_t
	if err := errors.Join(control(f.In, func(fd int) error { return unix.Fstat(fd, &in) }), control(f.Out, func(fd int) error { return unix.Fstat(fd, &out) })); err != nil {
		return s, nil, fmt.Errorf("looking at the terminal: %w", err)
	}
	if in.Rdev != out.Rdev || in.Mode&unix.S_IFMT != unix.S_IFCHR {
		return s, nil, errors.New("input and output are not the same terminal")
	}
	settings, err := f.settings()
	if err != nil {
		return s, nil, err
	}
	known, rows := f.Size()
	s.serial = known == 0 || rows == 0
	if s.speed, err = f.speed(); err != nil {
		return s, nil, err
	}
	raw := *settings
	raw.Lflag &^= unix.ICANON | unix.ECHO
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 0, 0
	if err := f.set(&raw); err != nil {
		return s, nil, err
	}
	answer, read := f.exchange(measure, wait)
	if err := errors.Join(read, f.set(settings)); err != nil {
		return s, nil, err
	}
	at := position.FindSubmatchIndex(answer)
	if at == nil {
		return s, answer, errors.New("the terminal does not answer")
	}
	s.rows, _ = strconv.Atoi(string(answer[at[2]:at[3]])) // it is digits
	s.columns, _ = strconv.Atoi(string(answer[at[4]:at[5]]))
	typed = escape.ReplaceAll(append(bytes.Clone(answer[:at[0]]), answer[at[1]:]...), nil)
	if s.columns != known || s.rows != rows {
		err = control(f.Out, func(fd int) error {
			return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(s.columns), Row: uint16(s.rows)})
		})
	}
	return s, typed, err
}

// exchange writes a question, and reads until there is an answer or no more time.
func (f File) exchange(question string, wait time.Duration) ([]byte, error) {
	end := time.Now().Add(wait)
	if _, err := f.Out.WriteString(question); err != nil {
		return nil, fmt.Errorf("asking the terminal for its size: %w", err)
	}
	var answer []byte
	err := control(f.In, func(fd int) error {
		b := make([]byte, 256)
		for len(answer) < longest && !position.Match(answer) {
			left := time.Until(end)
			if left <= 0 {
				return nil
			}
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			switch n, err := unix.Poll(p, int(left.Milliseconds())+1); {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return err
			case n == 0:
				return nil
			}
			n, err := unix.Read(fd, b)
			switch {
			case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			case err != nil:
				return err
			case n == 0:
				return ErrHangup
			}
			answer = append(answer, b[:max(n, 0)]...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for the terminal's size: %w", err)
	}
	return answer, nil
}

// settings are those of the terminal (termios(3)).
func (f File) settings() (t *unix.Termios, err error) {
	err = control(f.In, func(fd int) error { t, err = unix.IoctlGetTermios(fd, unix.TCGETS); return err })
	if err != nil {
		return nil, fmt.Errorf("reading the settings of the terminal: %w", err)
	}
	return t, nil
}

// set gives the terminal settings, after what was written has been sent.
func (f File) set(t *unix.Termios) error { return f.change(t, unix.TCSETSW) }

// flush is set, and drops what was typed and not yet read.
func (f File) flush(t *unix.Termios) error { return f.change(t, unix.TCSETSF) }

func (f File) change(t *unix.Termios, how uint) error {
	if err := control(f.In, func(fd int) error { return unix.IoctlSetTermios(fd, how, t) }); err != nil {
		return fmt.Errorf("changing the settings of the terminal: %w", err)
	}
	return nil
}

// speed is that of a serial line, in baud (ioctl_tty(2), TCGETS2). Other terminals say 38400.
func (f File) speed() (baud int, err error) {
	err = control(f.Out, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err == nil {
			baud = int(t.Ospeed)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("reading the speed of the terminal: %w", err)
	}
	return baud, nil
}
