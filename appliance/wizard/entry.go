package wizard

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// longest is how long an answer may be: what a terminal's line can hold (N_TTY_BUF_SIZE of the kernel's n_tty.c, 4096 with
// its end).
const longest = 4095

// known is what the rules of a question may look at.
type known struct {
	Answers
	Machine
}

// An entry is a question with its rules. What is nil of them is not needed.
type entry struct {
	key, section string
	text, help   string
	kind         Kind
	optional     bool

	when    func(*known) bool     // whether it is asked
	choices func(*known) []Option // of Choice and Plug
	byHand  bool                  // other answers than the choices are good, if check takes them
	preset  func(*known) string   // the default
	check   func(text string, k *known) (canonical string, err error)
}

func (e *entry) asked(k *known) bool { return e.when == nil || e.when(k) }

func (e *entry) question(k *known) Question {
	q := Question{Key: e.key, Section: e.section, Text: e.text, Help: e.help, Kind: e.kind, Optional: e.optional}
	if e.choices != nil {
		q.Choices = e.choices(k)
	}
	if e.preset != nil {
		q.Default = e.preset(k)
	}
	if q.Default == "" && e.optional {
		q.Default = None
	}
	return q
}

// accept returns the canonical form of an answer, or why it is none.
func (e *entry) accept(text string, q Question, k *known) (string, error) {
	if err := readable(text); err != nil {
		return "", err
	}
	if q.Kind == Secret { // blanks at its ends are a part of it
		return e.check(text, k)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		if q.Default == "" {
			return "", errors.New("an answer is needed here (? for help, < for the question before)")
		}
		text = q.Default
	}
	if q.Optional && strings.EqualFold(text, None) {
		return None, nil
	}
	if q.Kind == Plug && q.Chosen(text) == Auto { // what it stands for is found by who asks
		return "", errors.New("which card it is has to be found by its cable, or named")
	}
	if len(q.Choices) > 0 {
		if c := q.Chosen(text); c != "" {
			text = c
		} else if !e.byHand {
			return "", fmt.Errorf("%q is none of the choices: write its number or its word, as in %q", short(text), q.Choices[0].Value)
		}
	}
	if e.check != nil {
		return e.check(text, k)
	}
	return text, nil
}

// readable refuses what is no line of text.
func readable(text string) error {
	if len(text) > longest {
		return fmt.Errorf("this is too long: %d characters, and there is room for %d", len(text), longest)
	}
	for _, r := range text {
		switch {
		case r == unicode.ReplacementChar:
			return errors.New("this is no text in UTF-8: write it with the letters a to z")
		case r == 0x1b:
			return errors.New("a cursor or function key does not work here: write the line again (Backspace deletes)")
		case unicode.IsControl(r) && r != '\t', !unicode.IsPrint(r) && !unicode.IsControl(r):
			return fmt.Errorf("the character %+q does not belong here: write the line again without it", r)
		}
	}
	return nil
}

// short is the beginning of a text, for messages of one line.
func short(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:37]) + "..."
	}
	return text
}
