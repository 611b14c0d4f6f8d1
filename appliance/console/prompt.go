package console

import (
	"fmt"
	"strings"
)

// A Prompt is a question that is answered by a line.
type Prompt struct {
	Text   string
	Preset string // what an empty answer means; "": that the person goes back
	Help   string
	// Check says what is wrong with an answer, and what to write instead; nil: anything is right.
	Check func(string) error
}

// None is the answer that takes a preset away.
const None = "none"

// Prompt asks until the answer is right. ok is false if the person goes back.
func (l *Lines) Prompt(p Prompt) (answer string, ok bool, err error) {
	prompt := p.Text + ": "
	if p.Preset != "" {
		prompt = fmt.Sprintf("%s [%s]: ", p.Text, ascii(p.Preset))
		if len(prompt) > 55 { // there must be room for an answer
			prompt = fmt.Sprintf("%s\n  [%s]: ", p.Text, ascii(p.Preset))
		}
	}
	for {
		line, err := l.Read(prompt)
		if err != nil {
			return "", false, err
		}
		answer := strings.TrimSpace(line)
		if answer == "" {
			answer = p.Preset
		}
		switch answer {
		case "", "<":
			return "", false, nil
		case "?":
			l.Printf("\n%s\n\n", wrap(p.Help, ""))
			continue
		}
		if p.Check != nil {
			if err := p.Check(answer); err != nil {
				l.Printf("%s\n", wrap("! "+sentence(ascii(err.Error())), "  "))
				continue
			}
		}
		return answer, true, nil
	}
}

// Choose has a person choose one of some texts by its number.
func (l *Lines) Choose(text string, choices []string) (choice string, ok bool, err error) {
	for i, c := range choices {
		l.Printf("%4d) %s\n", i+1, ascii(c))
	}
	_, ok, err = l.Prompt(Prompt{Text: text, Help: "Write the number of your choice; < goes back.", Check: func(answer string) error {
		for i, c := range choices {
			if answer == fmt.Sprint(i+1) || answer == c {
				choice = c
				return nil
			}
		}
		return fmt.Errorf("%+q is none of the choices: write a number from 1 to %d", short(answer), len(choices))
	}})
	return choice, ok, err
}
