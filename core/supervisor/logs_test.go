package supervisor

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// sink returns a logSink with a clock of its own, and what it logs.
func sink(t *testing.T) (s *logSink, now *time.Time, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	s = newLogSink(hclog.New(&hclog.LoggerOptions{Name: "check-x", Output: log, Level: hclog.Debug, DisableTime: true}))
	clock := time.Now()
	s.now, s.last = func() time.Time { return clock }, clock
	return s, &clock, log
}

func TestALineOfAPluginIsLoggedAsThePluginMeantIt(t *testing.T) {
	for line, want := range map[string]string{
		`{"@level":"warn","@message":"slow","@module":"pool","@timestamp":"2026-01-01T00:00:00Z","ms":12}`: "[WARN]  check-x: slow: module=pool ms=12",
		`{"@level":"shout","@message":"hello"}`: "[INFO]  check-x: hello",
		`{"@message":7}`:                        `[INFO]  check-x: {"@message":7}: from=stderr`,
		`{"half`:                                `[INFO]  check-x: {"half: from=stderr`,
		"plain words":                           "[INFO]  check-x: plain words: from=stderr",
		"not \xff UTF-8":                        "[INFO]  check-x: not ? UTF-8: from=stderr",
		"panic: at the disco":                   "[ERROR] check-x: panic: at the disco: from=stderr",
	} {
		s, _, log := sink(t)
		s.read(strings.NewReader(line + "\n\n"))
		if got := strings.TrimSpace(log.String()); got != want {
			t.Errorf("%s\nis logged as %s\nwant         %s", line, got, want)
		}
	}
}

func TestALineThatIsTooLongIsCut(t *testing.T) {
	s, _, log := sink(t)
	s.read(strings.NewReader(strings.Repeat("x", 1<<20) + "\nnext\n"))
	if n := log.Len(); n > maxLine+200 || !strings.Contains(log.String(), "check-x: next") {
		t.Errorf("of a line of 1 MiB, %d bytes are logged", n)
	}
}

func TestAFloodIsDroppedAndCounted(t *testing.T) {
	s, now, log := sink(t)
	flood := func(n int) {
		for i := range n {
			s.line(fmt.Appendf(nil, "line %d", i), "stderr")
		}
	}
	flood(10 * logBurst)
	if n := strings.Count(log.String(), "check-x: line"); n != logBurst {
		t.Errorf("%d lines of a flood are logged, want %d", n, logBurst)
	}
	log.Reset()
	*now = now.Add(time.Second)
	flood(10 * logBurst)
	if n := strings.Count(log.String(), "check-x: line"); n != logRate {
		t.Errorf("%d lines are logged in the next second, want %d", n, logRate)
	}
	if want := fmt.Sprintf("the plugin logs too much: lines_dropped=%d", 9*logBurst); !strings.Contains(log.String(), want) {
		t.Errorf("%q is not in the log: %.200s", want, log)
	}
}

func TestTheLastWordsSayWhyItDied(t *testing.T) {
	for words, want := range map[string]string{
		"":           "",
		"one\ntwo\n": "two",
		"panic: first\n\ngoroutine 1:\nmain.main": "panic: first",
		`{"@message":"a logger's"}`:               "",
		strings.Repeat("x", 1000):                 strings.Repeat("x", wordsMost) + "...",
	} {
		s, _, _ := sink(t)
		s.read(strings.NewReader(words))
		if got := s.lastWords(); got != want {
			t.Errorf("of %.40q, the last words are %q, want %q", words, got, want)
		}
	}
}

func TestWhatAPluginPrintsIsInTheLog(t *testing.T) {
	b := newBench(t)
	b.ask("print")
	for _, want := range []string{"[INFO]  check-port: printed to stdout: from=stdout", "[WARN]  check-port: logged: answer=42"} {
		b.awaitLog(want)
	}
}
