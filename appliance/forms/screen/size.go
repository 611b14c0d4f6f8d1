package screen

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"
)

// measure asks the terminal for its size: the cursor cannot go further than its last corner, and says where it is. The answer
// is a [tea.CursorPositionMsg].
const measure = "\x1b7\x1b[999;999H\x1b[6n\x1b8"

// resize tells the kernel how large the terminal is, for who asks next (tty_ioctl(4), TIOCSWINSZ).
func (s Screen) resize(columns, rows int) error {
	c, err := s.Out.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	if err := c.Control(func(fd uintptr) {
		set = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)})
	}); err != nil {
		return err
	}
	if set != nil {
		return fmt.Errorf("setting the size of the terminal: %w", set)
	}
	return nil
}

// redraw writes everything anew, in the size that the terminal has by now: a serial line does not tell when it changes.
func redraw() tea.Cmd { return tea.Sequence(tea.ClearScreen, tea.Raw(measure)) }

// tooSmall is a terminal on which not everything has room.
func tooSmall(columns, rows int) bool { return columns < Columns || rows < Rows }

// The smallest terminal that forms have room on.
const (
	Columns = 80
	Rows    = 24
)
