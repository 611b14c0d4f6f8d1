package box_test

import (
	"context"
	"regexp"
	"strings"
)

// A reply is what a person at the console writes when a question is asked.
type reply struct {
	question string // as it is shown
	text     string
}

// answers waits for questions, in their order, and answers each.
func (s *session) answers(replies ...reply) {
	s.t.Helper()
	for _, r := range replies {
		s.asks(r.question)
		s.types(r.text)
	}
}

// asks waits for a question, which ends with a colon and a blank, and perhaps its default before it.
func (s *session) asks(question string) string {
	s.t.Helper()
	return s.shows(`(?s)` + regexp.QuoteMeta(question) + `.*?: `)
}

// shows waits for a text that need not be a whole line.
func (s *session) shows(pattern string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	line, next, err := s.Prompt(ctx, s.at, pattern)
	if err != nil {
		s.t.Fatal(err)
	}
	s.at = next
	return line.Text
}

// types writes a line.
func (s *session) types(text string) {
	s.t.Helper()
	if err := s.Type(text + "\r"); err != nil {
		s.t.Fatal(err)
	}
}

// chooses takes an item of the menu, by its words: its number may change.
func (s *session) chooses(item string) {
	s.t.Helper()
	s.asks("Your choice")
	s.types("") // shows the menu, which is not shown again after each item
	number := s.shows(`(?m)^ *\d+\) ` + regexp.QuoteMeta(item))
	number, _, _ = strings.Cut(strings.TrimSpace(number), ")")
	s.asks("Your choice")
	s.types(number)
}

// password is that of the consoles.
const password = "correct horse battery"

// logsIn waits for the question for the password and answers it.
func (s *session) logsIn() {
	s.t.Helper()
	s.answers(reply{"the console is locked", password})
}
