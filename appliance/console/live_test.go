package console

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vt100 is what a terminal shows of what was sent to it: only what the live view makes use of.
func vt100(t *testing.T, sent string, columns, rows int) []string {
	t.Helper()
	screen := make([][]byte, rows)
	for i := range screen {
		screen[i] = []byte(strings.Repeat(" ", columns))
	}
	row, column := 0, 0
	for len(sent) > 0 {
		rest, ok := strings.CutPrefix(sent, "\x1b[")
		if !ok {
			if row >= rows || column >= columns {
				t.Fatalf("something is written at %d,%d", row+1, column+1)
			}
			screen[row][column] = sent[0]
			column++
			sent = sent[1:]
			continue
		}
		end := strings.IndexAny(rest, "HKJ")
		switch rest[end] {
		case 'H':
			a, b, _ := strings.Cut(rest[:end], ";")
			row, _ = strconv.Atoi(a)
			column, _ = strconv.Atoi(b)
			row, column = row-1, column-1
		case 'K':
			copy(screen[row][column:], strings.Repeat(" ", columns))
		}
		sent = rest[end+1:]
	}
	var all []string
	for _, r := range screen {
		all = append(all, strings.TrimRight(string(r), " "))
	}
	return all
}

func TestOnlyWhatHasChangedIsSent(t *testing.T) {
	s := &canvas{columns: 40, rows: 6}
	sent := ""
	for i, c := range []struct {
		text, want string
		most       int // bytes
	}{
		{"web  up    12 s\nmail DOWN  3 s", "web  up    12 s\nmail DOWN  3 s\n\n\n\n[now, Enter ends it]", 200},
		{"web  up    12 s\nmail DOWN  3 s", "web  up    12 s\nmail DOWN  3 s\n\n\n\n[now, Enter ends it]", 10},
		{"web  up    13 s\nmail DOWN  4 s", "web  up    13 s\nmail DOWN  4 s\n\n\n\n[now, Enter ends it]", 30},
		{"web  up    13 s\nmail up 1 s", "web  up    13 s\nmail up 1 s\n\n\n\n[now, Enter ends it]", 30},
		{"1\n2\n3\n4\n5\n6\n7", "1\n2\n3\n4\n5\n[2 rows more; now, Enter ends it]", 100},
		{strings.Repeat("x", 50) + "\n\x1b[2J", strings.Repeat("x", 39) + "\n  " + strings.Repeat("x", 11) + "\n?[2J\n\n\n[now, Enter ends it]", 150},
	} {
		out := s.draw(c.text, "now, Enter ends it")
		if len(out) > c.most {
			t.Errorf("step %d: %d bytes are sent: %q", i, len(out), out)
		}
		sent += out
		if got := strings.Join(vt100(t, sent, 40, 6), "\n"); got != c.want {
			t.Errorf("step %d: the screen is\n%s\nwant\n%s", i, got, c.want)
		}
	}
}

// At 9600 baud a screen of 1920 characters takes two seconds.
func TestALineIsGivenTimeForWhatWasSent(t *testing.T) {
	if d := sending(1920, 9600); d != 4*time.Second {
		t.Errorf("got %s, want 4s", d)
	}
	if d := sending(1920, 1<<30); d > time.Millisecond {
		t.Errorf("got %s on a screen", d)
	}
}

func TestTheLiveViewOnATerminal(t *testing.T) {
	t.Setenv("TERM", "vt220")
	p := newPerson(t)
	done := make(chan error)
	n := 0
	go func() {
		done <- Live(t.Context(), NewLines(p.terminal()), time.Millisecond, func(w io.Writer) error {
			n++
			_, err := fmt.Fprintf(w, "status %d\n", min(n, 5))
			return err
		})
	}()
	p.waits("\x1b[2J\x1b[1;1Hstatus 1")
	p.waits("\x1b[1;8H2")
	p.writes("\x1b[1;8H5", "")
	if err := <-done; err != nil {
		t.Error(err)
	}
	p.waits("\x1b[24;1H\r\n")
}
