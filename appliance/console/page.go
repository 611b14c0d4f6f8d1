package console

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Rows and columns of a terminal that does not know its size.
const (
	usualColumns = 80
	usualRows    = 24
)

// size is that of the terminal, or the usual one.
func (l *Lines) size() (columns, rows int) {
	columns, rows = l.Terminal.Size()
	if columns < 20 || rows < 5 {
		return usualColumns, usualRows
	}
	return columns, rows
}

// rowsOf are the rows that a text has on a screen: a line that is too long has several, and goes on with the next word.
func rowsOf(text string, columns int) (rows []string) {
	const indentation = "  "
	text = strings.ReplaceAll(ascii(strings.TrimRight(text, "\n")), "\t", "  ")
	for line := range strings.SplitSeq(text, "\n") {
		for len(line) >= columns {
			end := columns - 1
			if word := strings.LastIndexByte(line[:columns], ' '); word > columns/2 {
				end = word
			}
			rows = append(rows, strings.TrimRight(line[:end], " "))
			line = indentation + strings.TrimLeft(line[end:], " ")
		}
		rows = append(rows, line)
	}
	return rows
}

// Page shows a text, a screen at a time if it is longer than one. newest begins with its end.
func (l *Lines) Page(text string, newest bool) error {
	columns, height := l.size()
	rows := rowsOf(text, columns)
	height -= 2
	first := 0
	if newest {
		first = max(0, len(rows)-height)
	}
	for {
		last := min(first+height, len(rows))
		for _, r := range rows[first:last] {
			l.Printf("%s\n", r)
		}
		if len(rows) <= height {
			return nil
		}
		prompt := fmt.Sprintf("-- rows %d to %d of %d; n: next, p: previous, q: end [n]: ", first+1, last, len(rows))
		if last == len(rows) {
			prompt = fmt.Sprintf("-- rows %d to %d of %d; p: previous, q: end [q]: ", first+1, last, len(rows))
		}
		answer, err := l.Read(prompt)
		if err != nil {
			return err
		}
		switch strings.TrimSpace(answer) {
		case "", "n":
			if last == len(rows) {
				return nil
			}
			first = last
		case "p":
			first = max(0, first-height)
		default:
			return nil
		}
	}
}

// Stoppable does something until it has ended or Enter is pressed. What it shows stays until Enter is pressed, too, so that the menu
// does not push it away.
func (l *Lines) Stoppable(ctx context.Context, do func(context.Context, io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pressed, done := make(chan error, 1), make(chan error, 1)
	l.Printf("[Enter ends it]\n")
	go func() {
		_, err := l.ReadLine()
		pressed <- err
	}()
	go func() { done <- do(ctx, asciiWriter{l.Terminal}) }()
	select {
	case hangup := <-pressed:
		cancel()
		if err := <-done; hangup == nil {
			return err
		}
		return hangup
	case err := <-done:
		if err != nil && ctx.Err() == nil {
			l.Printf("! %s\n", indented(sentence(err.Error())))
		}
		l.Printf("[it has ended; Enter goes back]\n")
		return <-pressed
	}
}

// An asciiWriter writes what every terminal can show.
type asciiWriter struct{ w io.Writer }

func (a asciiWriter) Write(b []byte) (int, error) {
	if _, err := io.WriteString(a.w, ascii(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}
