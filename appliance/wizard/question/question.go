// Package question is what a question of the wizard is, for who shows it and needs nothing else of the wizard.
package question

import (
	"fmt"
	"strings"
)

// A Kind is how a question is answered.
type Kind int

// The kinds of questions.
const (
	Line   Kind = iota // a line of text
	Choice             // one of the question's choices
	Secret             // a line of text that is not shown
	Plug               // one of the choices, or Auto: whose cable is plugged in next
)

// Auto is the choice of a [Plug] question that looks for the card by its cable.
const Auto = "auto"

// None is the answer to an optional question that leaves it out.
const None = "none"

// A Question is one question, in words that fit a screen of 80 columns.
type Question struct {
	Key      string // "network1.address": the same in every version, for files of answers
	Section  string // what the questions around it are about, "Network"
	Text     string // "Address, with the length of its network"
	Help     string // a few lines more, for those who ask
	Kind     Kind
	Choices  []Option // of Choice and Plug
	Default  string   // what an empty answer means; "": an answer is needed
	Optional bool     // None is an answer
}

// An Option is one of the answers to choose from.
type Option struct {
	Value string // the answer itself
	Text  string // what it means
}

// Chosen is the value of the choice that a text means: its number, counted from 1, its value, or nothing for the default. It
// is "" if the text means no choice.
func (q *Question) Chosen(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		text = q.Default
	}
	for i, o := range q.Choices {
		if text == fmt.Sprint(i+1) || strings.EqualFold(text, o.Value) {
			return o.Value
		}
	}
	return ""
}
