package script

import (
	"bytes"
	"io"
	"strings"
)

// lineBytes is how much of the last line is kept.
const lineBytes = 400

// A tail keeps the last line of an output that has anything in it. The rest is read and forgotten, however much it is.
type tail struct {
	last    []byte // the last whole line with something in it
	current []byte // the line that has begun
}

// readFrom reads until the end, or until reading fails.
func (t *tail) readFrom(r io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		t.add(b[:n])
		if err != nil {
			return
		}
	}
}

func (t *tail) add(b []byte) {
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if room := lineBytes - len(t.current); room > 0 {
			t.current = append(t.current, line[:min(room, len(line))]...)
		}
		if whole {
			if len(bytes.TrimSpace(t.current)) > 0 {
				t.last = append(t.last[:0], t.current...)
			}
			t.current = t.current[:0]
		}
		b = rest
	}
}

// line returns the last line.
func (t *tail) line() string {
	if s := strings.TrimSpace(string(t.current)); s != "" {
		return s
	}
	return strings.TrimSpace(string(t.last))
}
