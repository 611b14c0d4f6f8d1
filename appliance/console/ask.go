package console

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// width is what every terminal has.
const width = 79

// Ask shows a question as lines of text: the choices with their numbers, the default in brackets. "?" shows the help, and
// "<" goes back.
func (l *Lines) Ask(ctx context.Context, q wizard.Question, problem string) (wizard.Reply, error) {
	if problem != "" {
		l.Printf("%s\n\n", wrap("! "+sentence(problem), "  "))
	}
	fresh := q.Section != l.section
	if fresh {
		l.section = q.Section
		l.Printf("\n%s\n\n", heading(q.Section))
	}
	if problem == "" {
		l.choices(q, fresh)
	}
	for ctx.Err() == nil {
		read := l.Read
		if q.Kind == wizard.Secret {
			read = l.ReadSecret
		}
		text, err := read(prompt(q))
		if err != nil {
			return wizard.Reply{}, err
		}
		switch strings.TrimSpace(text) {
		case "?":
			l.Printf("\n%s\n\n", q.Help)
			l.choices(q, true)
		case "<":
			l.Printf("\n")
			return wizard.Reply{Back: true}, nil
		default:
			if q.Kind == wizard.Plug && q.Chosen(text) == wizard.Auto {
				l.Printf("\nNow plug the cable in. If it is in, unplug it and plug it in again.\n\n")
			}
			return wizard.Reply{Text: text}, nil
		}
	}
	return wizard.Reply{}, ctx.Err()
}

// choices lists them, after an empty line unless there is one.
func (l *Lines) choices(q wizard.Question, fresh bool) {
	if inline(q) != "" || len(q.Choices) == 0 {
		return
	}
	if !fresh {
		l.Printf("\n")
	}
	l.Printf("%s\n", q.Text)
	wide := 0
	for _, c := range q.Choices {
		wide = max(wide, len(c.Value))
	}
	for i, c := range q.Choices {
		l.Printf("%s\n", strings.TrimRight(fmt.Sprintf("  %d) %-*s  %s", i+1, wide, c.Value, c.Text), " "))
	}
}

// inline are choices that need no list, as they explain themselves: "(yes, no)". It is "" for others.
func inline(q wizard.Question) string {
	var values []string
	for _, c := range q.Choices {
		if c.Text != "" {
			return ""
		}
		values = append(values, c.Value)
	}
	if values == nil {
		return ""
	}
	return " (" + strings.Join(values, ", ") + ")"
}

// prompt is the question, or what is left of it after its choices, and what is meant by an empty answer.
func prompt(q wizard.Question) string {
	text := q.Text
	preset := q.Default
	switch {
	case inline(q) != "":
		text += inline(q)
	case len(q.Choices) > 0:
		text = "Your choice"
	}
	if preset == "" {
		return text + ": "
	}
	if len(text)+len(preset) > 55 { // there must be room for an answer
		text += "\n "
	}
	return fmt.Sprintf("%s [%s]: ", text, preset)
}

// sentence makes a sentence of an error.
func sentence(s string) string {
	if s == "" {
		return s
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// wrap breaks a text into lines that fit, of which all but the first begin with an indent.
func wrap(s, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// ascii replaces what a terminal of ASCII cannot show.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
