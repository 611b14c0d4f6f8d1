package box

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A Line is one of the serial console, and when it came after power-on.
type Line struct {
	After time.Duration
	Text  string
}

// A screen is what a serial line has said: its text, as one, and when each line of it ended.
type screen struct {
	mu   sync.Mutex
	text strings.Builder // whole lines
	ends []end           // of these lines
	rest []byte          // of the last line, which has no end yet, as it came
	more chan struct{}   // closed when there is more
}

// An end is where and when a line ended.
type end struct {
	offset int // of its line feed
	after  time.Duration
}

// escapes are what GRUB, firmwares and terminals are painted with. A line feed and a tab are none.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[78=>c]|[\x00-\x08\x0b-\x1f]")

// aRow is how a cursor is moved to the beginning of a row (CUP of ECMA-48): what follows is a line of its own.
var aRow = regexp.MustCompile("\x1b\\[[0-9]+;1H")

// add adds what has come.
func (s *screen) add(started time.Time, chunk []byte) {
	if len(chunk) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = aRow.ReplaceAll(append(s.rest, chunk...), []byte("\n"))
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole {
			break
		}
		s.text.Write(escapes.ReplaceAll(line, nil))
		s.ends = append(s.ends, end{s.text.Len(), time.Since(started)})
		s.text.WriteByte('\n')
		s.rest = rest
	}
	close(s.more)
	s.more = make(chan struct{})
}

// all is the text, and with it the line that has no end yet.
func (s *screen) all() string { return s.text.String() + string(escapes.ReplaceAll(s.rest, nil)) }

// wait waits for a whole line that matches, or for any text.
func (s *screen) wait(ctx context.Context, done <-chan struct{}, from int, pattern string, any bool) (Line, int, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return Line{}, 0, err
	}
	for off := false; ; {
		s.mu.Lock()
		more := s.more
		line, next, found := s.line(re, from)
		if any {
			line, next, found = s.match(re, from)
		}
		s.mu.Unlock()
		switch {
		case found:
			return line, next, nil
		case off:
			return Line{}, 0, fmt.Errorf("the box ended, and its console never said %q", pattern)
		}
		select {
		case <-more:
		case <-done:
			off = true // what it said last is looked at, too
		case <-ctx.Done():
			return Line{}, 0, fmt.Errorf("the console does not say %q: %w", pattern, context.Cause(ctx))
		}
	}
}

// line finds the first whole line that matches, from an offset on, and match any text.
func (s *screen) line(re *regexp.Regexp, from int) (Line, int, bool) {
	text := s.text.String()
	for _, e := range s.ends {
		if e.offset < from {
			continue
		}
		if line := text[from:e.offset]; re.MatchString(line) {
			return Line{e.after, line}, e.offset + 1, true
		}
		from = e.offset + 1
	}
	return Line{}, 0, false
}

func (s *screen) match(re *regexp.Regexp, from int) (Line, int, bool) {
	text := s.all()
	from = min(from, len(text))
	at := re.FindStringIndex(text[from:])
	if at == nil {
		return Line{}, 0, false
	}
	return Line{Text: text[from+at[0] : from+at[1]]}, from + at[1], true
}

func (s *screen) from(offset int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.all()
	return text[min(offset, len(text)):]
}

// String is the text without empty lines, each line with its time.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	text, from := s.all(), 0
	for _, e := range s.ends {
		if line := strings.TrimRight(text[from:e.offset], " "); line != "" {
			fmt.Fprintf(&b, "%7.2f %s\n", e.after.Seconds(), line)
		}
		from = e.offset + 1
	}
	if text[from:] != "" {
		fmt.Fprintf(&b, "        %s\n", text[from:])
	}
	return b.String()
}
