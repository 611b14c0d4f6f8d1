package wizard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Script answers from a file, which has a line "key: answer" for each answer, and comments after "#" at the beginning of
// a line. A question that it does not know gets its default.
type Script struct {
	name    string
	answers map[string]string
	lines   map[string]int
}

// ParseScript reads a file of answers; name is the file's, for messages.
func ParseScript(name, text string) (*Script, error) {
	s := &Script{name: name, answers: map[string]string{}, lines: map[string]int{}}
	keys := Keys()
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, answer, found := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		switch {
		case !found:
			return nil, fmt.Errorf("%s:%d: this is no answer: write the question's key, a colon and the answer, as in \"hostname: lb1\"", name, n)
		case !slices.Contains(keys, key):
			return nil, fmt.Errorf("%s:%d: there is no question %q; the keys are %s", name, n, short(key), strings.Join(keys, ", "))
		case s.lines[key] != 0:
			return nil, fmt.Errorf("%s:%d: %s was answered in line %d", name, n, key, s.lines[key])
		}
		s.answers[key], s.lines[key] = strings.TrimSpace(answer), n
	}
	return s, nil
}

// Ask answers a question. What was wrong with the answer is an error, since nobody is there to correct it.
func (s *Script) Ask(_ context.Context, q Question, problem string) (Reply, error) {
	at := fmt.Sprintf("%s:%d", s.name, s.lines[q.Key])
	if s.lines[q.Key] == 0 {
		at = s.name
	}
	if problem != "" {
		return Reply{}, fmt.Errorf("%s: %s: %s", at, q.Key, problem)
	}
	answer, ok := s.answers[q.Key]
	if !ok && q.Default == "" {
		return Reply{}, fmt.Errorf("%s: %s is not answered, and has no default: %s", s.name, q.Key, q.Text)
	}
	return Reply{Text: answer}, nil
}

// Unused are the keys of answers that the session did not ask for, each with its line.
func (s *Script) Unused(a Answers) []string {
	var unused []string
	for _, key := range slices.Sorted(maps.Keys(s.answers)) {
		if _, asked := a[key]; !asked {
			unused = append(unused, fmt.Sprintf("%s:%d: %s was not asked for", s.name, s.lines[key], key))
		}
	}
	return unused
}
