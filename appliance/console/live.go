package console

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Live shows something again and again until Enter is pressed. Where the cursor can be moved only what has changed is written, and
// no more often than the line can take it; elsewhere everything is written again when it has changed.
func Live(ctx context.Context, l *Lines, every time.Duration, show func(io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pressed := make(chan error, 1)
	go func() {
		_, err := l.ReadLine()
		pressed <- err
	}()
	baud, movable := speed(l.Terminal)
	columns, rows := l.size()
	s := &canvas{columns: columns, rows: rows}
	if movable {
		l.Printf("\x1b[2J") // ED: the screen is empty
		defer func() { l.Printf("\x1b[%d;1H\n", rows) }()
	}
	last := ""
	for {
		var text strings.Builder
		if err := show(&text); err != nil {
			fmt.Fprintf(&text, "! %s\n", indented(sentence(err.Error())))
		}
		wait := every
		switch {
		case movable:
			out := s.draw(text.String(), time.Now().UTC().Format("15:04:05Z")+", Enter ends it")
			l.Printf("%s", out)
			wait = max(every, sending(len(out), baud))
		case text.String() != last:
			last = text.String()
			l.Printf("\n%s\n[%s, Enter ends it]\n", strings.TrimRight(ascii(last), "\n"), time.Now().UTC().Format("15:04:05Z"))
		}
		t := time.NewTimer(wait)
		select {
		case err := <-pressed:
			t.Stop()
			return err
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// sending is how long a line should be left to what was sent, so that half of its time is free for what a person writes.
func sending(bytes, baud int) time.Duration {
	const bits = 10 // of a byte on the line
	return 2 * time.Duration(bytes) * bits * time.Second / time.Duration(baud)
}

// speed is that of a terminal in bits a second, and whether its cursor can be moved as a vt100's.
func speed(t Terminal) (baud int, movable bool) {
	baud = 1 << 30
	f, ok := t.(File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return baud, false
	}
	err := control(f.Out, func(fd int) error {
		settings, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err == nil && settings.Ospeed > 0 {
			baud = int(settings.Ospeed)
		}
		return err
	})
	return baud, err == nil
}

// A canvas is what a terminal shows.
type canvas struct {
	columns, rows int
	shown         []string // nil: the terminal is empty
}

// draw is what has to be sent to a vt100 for it to show a text, as far as there is room, and a line at the bottom. The cursor is at
// its end then.
func (s *canvas) draw(text, bottom string) string {
	rows := rowsOf(text, s.columns)
	if room := s.rows - 1; len(rows) > room {
		bottom = fmt.Sprintf("%d rows more; %s", len(rows)-room, bottom)
		rows = rows[:room]
	}
	for len(rows) < s.rows-1 {
		rows = append(rows, "")
	}
	rows = append(rows, "["+bottom+"] ")
	var out strings.Builder
	for i, row := range rows {
		before := ""
		if s.shown != nil {
			before = s.shown[i]
		}
		out.WriteString(redraw(i+1, before, row))
	}
	s.shown = rows
	fmt.Fprintf(&out, "\x1b[%d;%dH\x1b[K", s.rows, len(rows[s.rows-1])+1) // and away with what was typed
	return out.String()
}

// redraw is what makes one row of another: the part that is different (CUP, EL of ECMA-48).
func redraw(row int, before, after string) string {
	if before == after {
		return ""
	}
	first := 0
	for first < len(before) && first < len(after) && before[first] == after[first] {
		first++
	}
	end := len(after)
	clear := ""
	if len(before) == len(after) {
		for end > first && before[end-1] == after[end-1] {
			end--
		}
	} else if len(before) > len(after) {
		clear = "\x1b[K"
	}
	return fmt.Sprintf("\x1b[%d;%dH%s%s", row, first+1, after[first:end], clear)
}
