package screen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"

	"github.com/evenkeel/evenkeel/appliance/wizard/question"
)

// other is the choice that is none of them, of a question that takes others. No answer has a blank at its end.
const other = "other "

// longest is how much is taken: more than any answer may have, so that one that is too long is told.
const longest = 4200

// question makes the field of a question, for a choice or for text.
func (m *model) question(byHand bool) {
	q := m.asked.Question
	m.written = byHand || len(q.Choices) == 0
	if !m.written {
		m.field = huh.NewSelect[string]().Title(m.title()).Options(m.options()...).Value(&m.text)
	} else {
		if q.Optional && m.text == question.None {
			m.text = ""
		}
		in := huh.NewInput().Title(m.title()).Prompt("> ").CharLimit(longest).Value(&m.text)
		switch {
		case q.Kind == question.Secret:
			m.text = ""
			in = in.EchoMode(huh.EchoModeNone).Value(&m.text)
		case q.Optional:
			in = in.Placeholder(question.None)
		}
		m.field = in
	}
	m.dress()
}

// unlisted says whether what is in the field is none of the choices of a question that takes others.
func (m *model) unlisted() bool {
	q := m.asked.Question
	return q.Kind == question.Plug && m.text != "" && !slices.ContainsFunc(q.Choices, func(o question.Option) bool { return o.Value == m.text })
}

// title is the text of the question.
func (m *model) title() string { return clean(m.asked.Question.Text, m.ascii) }

// options are the choices with their numbers.
func (m *model) options() []huh.Option[string] {
	q := m.asked.Question
	choices := q.Choices
	if q.Kind == question.Plug {
		choices = append(choices[:len(choices):len(choices)], question.Option{Value: other, Text: "write the name of another one"})
	}
	wide := 0
	for _, c := range choices {
		wide = max(wide, len(strings.TrimSpace(c.Value)))
	}
	var all []huh.Option[string]
	for i, c := range choices {
		text := fmt.Sprintf("%d) %-*s  %s", i+1, wide, strings.TrimSpace(c.Value), c.Text)
		all = append(all, huh.NewOption(clean(strings.TrimRight(text, " "), m.ascii), c.Value))
	}
	return all
}

// choose goes to the choice with a number, and says whether there is one.
func (m *model) choose(number string) bool {
	n, err := strconv.Atoi(number)
	s, ok := m.field.(*huh.Select[string])
	if err != nil || !ok || n < 1 || n > len(m.options()) {
		return false
	}
	m.text = m.options()[n-1].Value
	s.Value(&m.text)
	return true
}

// confirm makes the field of a page.
func (m *model) confirm() {
	p := m.asked.Page
	m.yes, m.written = false, false
	c := huh.NewConfirm().Title(clean(p.Confirm, m.ascii)).Affirmative("Yes").Negative("No").Inline(true).WithButtonAlignment(lipgloss.Left).Value(&m.yes)
	if p.Confirm == "" {
		c = huh.NewConfirm().Affirmative("Go on").Negative("").Value(&m.yes)
	}
	m.field = c
	m.page = viewport.New()
	m.page.SetContent(clean(strings.TrimRight(p.Text, "\n"), m.ascii))
	m.dress()
}

// turn scrolls a page, or chooses between yes and no.
func (m *model) turn(name string, msg tea.KeyPressMsg) tea.Cmd {
	switch name {
	case "up", "k":
		m.page.ScrollUp(1)
	case "down", "j":
		m.page.ScrollDown(1)
	case "pgup", "b":
		m.page.PageUp()
	case "pgdown", "space":
		m.page.PageDown()
	case "home":
		m.page.GotoTop()
	case "end":
		m.page.GotoBottom()
	case "y", "Y":
		m.yes = true
	case "n", "N":
		m.yes = false
	default:
		return m.pass(msg)
	}
	return nil
}

// dress gives the field its look and keys.
func (m *model) dress() {
	keys := huh.NewDefaultKeyMap()
	none := key.NewBinding(key.WithDisabled())
	keys.Select.Filter, keys.Input.AcceptSuggestion = none, none
	keys.Confirm.Accept, keys.Confirm.Reject = none, none // they would answer at once
	m.field = m.field.WithTheme(m.theme.huh).WithKeyMap(keys)
	m.fit()
}
