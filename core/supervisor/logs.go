package supervisor

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// The log of one plugin may have this many lines at once and this many in a second after that; a line is cut at maxLine
// bytes.
const (
	logBurst  = 500
	logRate   = 100
	maxLine   = 8 << 10
	wordsMost = 300 // bytes of the last words
)

// A logSink takes what a plugin writes to stderr and stdout into the core's log. What comes too fast is dropped, and how
// much is said.
type logSink struct {
	logger hclog.Logger
	now    func() time.Time

	mu      sync.Mutex
	tokens  float64
	last    time.Time
	dropped int
	panic   string // its first line
	plain   string // the last line that is not of a logger
}

func newLogSink(l hclog.Logger) *logSink {
	return &logSink{logger: l, now: time.Now, tokens: logBurst, last: time.Now()}
}

// read takes in all of stderr.
func (s *logSink) read(r io.Reader) { s.lines(bufio.NewReaderSize(r, maxLine), "stderr") }

// lines takes in what is left in r, until its end. It never stops reading, so that nobody blocks who writes.
func (s *logSink) lines(r *bufio.Reader, from string) {
	continued := false
	for {
		line, more, err := r.ReadLine()
		if err != nil {
			s.flush()
			return
		}
		if !continued && len(line) > 0 {
			s.line(line, from)
		}
		continued = more // the rest of a line that is too long is dropped
	}
}

// line takes in one line.
func (s *logSink) line(line []byte, from string) {
	if !s.allow() {
		return
	}
	if e, ok := parseEntry(line); ok {
		s.logger.Log(e.level, e.message, e.args...)
		return
	}
	text := strings.ToValidUTF8(strings.TrimRight(string(line), " \r"), "?")
	level := hclog.Info
	if from == "stderr" {
		level = s.remember(text)
	}
	s.logger.Log(level, text, "from", from)
}

// remember keeps the words that may be the last, and says how bad they are.
func (s *logSink) remember(text string) hclog.Level {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plain = text
	if s.panic == "" && (strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ")) {
		s.panic = text
	}
	if s.panic != "" {
		return hclog.Error
	}
	return hclog.Info
}

// lastWords are those that say best why the plugin died.
func (s *logSink) lastWords() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	words := s.panic
	if words == "" {
		words = s.plain
	}
	if len(words) > wordsMost {
		words = strings.ToValidUTF8(words[:wordsMost], "") + "..."
	}
	return words
}

// allow takes a token, and says first how many lines had none.
func (s *logSink) allow() bool {
	s.mu.Lock()
	now := s.now()
	s.tokens = min(logBurst, s.tokens+now.Sub(s.last).Seconds()*logRate)
	s.last = now
	if s.tokens < 1 || s.dropped > 0 && s.tokens < logRate/2 { // again when there is something to spend
		s.dropped++
		s.mu.Unlock()
		return false
	}
	s.tokens--
	dropped := s.dropped
	s.dropped = 0
	s.mu.Unlock()
	s.sayDropped(dropped)
	return true
}

func (s *logSink) flush() {
	s.mu.Lock()
	dropped := s.dropped
	s.dropped = 0
	s.mu.Unlock()
	s.sayDropped(dropped)
}

func (s *logSink) sayDropped(n int) {
	if n > 0 {
		s.logger.Warn("the plugin logs too much", "lines_dropped", n)
	}
}

// An entry is a line that hclog has written as JSON.
type entry struct {
	level   hclog.Level
	message string
	args    []any
}

func parseEntry(line []byte) (e entry, ok bool) {
	if len(line) == 0 || line[0] != '{' {
		return e, false
	}
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return e, false
	}
	if e.message, ok = fields["@message"].(string); !ok {
		return e, false
	}
	level, _ := fields["@level"].(string)
	if e.level = hclog.LevelFromString(level); e.level == hclog.NoLevel {
		e.level = hclog.Info
	}
	var names []string
	for name := range fields {
		if !strings.HasPrefix(name, "@") || name == "@module" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		e.args = append(e.args, strings.TrimPrefix(name, "@"), fields[name])
	}
	return e, true
}
