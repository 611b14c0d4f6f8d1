package bench

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"time"
)

// lines are what a daemon says, with the times at which it was said. They are an io.Writer.
type lines struct {
	mu   sync.Mutex
	rest []byte // of a line that has no end yet
	all  []line
}

type line struct {
	at   time.Time
	text string
}

// Write takes a part of it.
func (l *lines) Write(b []byte) (int, error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		text, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		l.all = append(l.all, line{now, string(text)})
		l.rest = rest
	}
}

// text returns all of it.
func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, line := range l.all {
		all = append(all, line.text)
	}
	return strings.Join(all, "\n")
}

// matching returns when what the expression finds in parentheses was first said.
func (l *lines) matching(re *regexp.Regexp) map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := make(map[string]time.Time)
	for _, line := range l.all {
		if found := re.FindStringSubmatch(line.text); found != nil {
			if _, known := at[found[1]]; !known {
				at[found[1]] = line.at
			}
		}
	}
	return at
}
