package screen

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/cursor"
	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"

	"github.com/evenkeel/evenkeel/appliance/forms"
	"github.com/evenkeel/evenkeel/appliance/wizard/question"
)

// A model is what is on the screen.
type model struct {
	ascii  bool
	theme  look
	send   func(forms.Reply) error
	resize func(columns, rows int) error

	width, height int
	leaving       bool // Ctrl+C was pressed once
	err           error

	asked   *forms.Request // what is to be answered; nil: nothing is, by now
	field   huh.Field      // in which it is answered
	key     string         // of the last question
	text    string         // in the field, if it is one of text or choices
	yes     bool           // in the field, if it is one of yes and no
	written bool           // the field is one of text
	page    viewport.Model

	note   string
	last   string // the screen, as it is
	past   []answered
	queued []tea.Msg // keys that were pressed while nothing was asked
	deaf   bool      // such keys are dropped: the answer takes its time
}

// An answered is a question with its answer.
type answered struct{ key, section, question, answer string }

// Init asks for nothing: the first request does.
func (m *model) Init() tea.Cmd { return nil }

// Update takes what has happened.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.fit()
		return m, nil
	case tea.CursorPositionMsg:
		if err := m.resize(msg.X+1, msg.Y+1); err != nil {
			return m, m.fail(err)
		}
		return m, tea.RequestWindowSize
	case forms.Request:
		return m, m.ask(msg)
	case gone:
		return m, m.fail(msg.err)
	case cursor.BlinkMsg: // a cursor that blinks would write for ever
		return m, nil
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		if m.asked == nil {
			m.later(msg)
			return m, nil
		}
	}
	return m, m.pass(msg)
}

// fail ends the program, for a reason if err is not nil.
func (m *model) fail(err error) tea.Cmd {
	m.err = err
	return tea.Quit
}

// later keeps a key for the next question.
func (m *model) later(key tea.Msg) {
	if !m.deaf {
		m.queued = append(m.queued, key)
	}
}

// pass gives the field what is its own.
func (m *model) pass(msg tea.Msg) tea.Cmd {
	if m.field == nil {
		return nil
	}
	f, cmd := m.field.Update(msg)
	m.field = f.(huh.Field)
	return cmd
}

// ask puts a request on the screen.
func (m *model) ask(r forms.Request) tea.Cmd {
	switch {
	case r.Question != nil:
		m.forget(r.Question.Key)
		typed := m.text
		m.text = r.Question.Default
		if r.Problem != "" && r.Question.Key == m.key && r.Question.Kind != question.Secret && typed != "" {
			m.text = typed // to be corrected
		}
		m.key = r.Question.Key
		m.asked = &r
		m.question(m.unlisted())
	case r.Page != nil:
		m.asked = &r
		m.confirm()
	default:
		m.note, m.deaf, m.queued = clean(r.Note, m.ascii), true, nil
		return nil
	}
	if r.Problem != "" {
		m.queued = nil // they were meant for another question
	}
	m.deaf = false
	queued := m.queued
	m.queued = nil
	cmds := []tea.Cmd{m.field.Focus()}
	for _, key := range queued {
		_, cmd := m.Update(key)
		cmds = append(cmds, cmd)
	}
	return tea.Batch(cmds...)
}

// forget removes the answers to a question and to those after it.
func (m *model) forget(key string) {
	if i := slices.IndexFunc(m.past, func(a answered) bool { return a.key == key }); i >= 0 {
		m.past = m.past[:i]
	}
}

// press does what a key is for.
func (m *model) press(key tea.KeyPressMsg) tea.Cmd {
	name := key.String()
	leaving := m.leaving
	m.leaving = false
	switch name {
	case "ctrl+c":
		if m.leaving = !leaving; m.leaving {
			return nil
		}
		return m.end(forms.Leave)
	case "ctrl+t":
		return m.end(forms.Lines)
	case "ctrl+l":
		return redraw()
	}
	switch {
	case tooSmall(m.width, m.height):
		return nil // nobody answers what can't be seen
	case m.asked == nil:
		m.later(key)
		return nil
	case name == "<" && !m.written:
		return m.reply(forms.Reply{Kind: forms.Back})
	case name == "esc", name == "shift+tab", name == "alt+tab": // the last is Shift+Tab of Linux's own screen
		if q := m.asked.Question; q != nil && q.Kind == question.Plug && m.written {
			m.text = ""
			m.question(false)
			return m.field.Focus()
		}
		return m.reply(forms.Reply{Kind: forms.Back})
	case name == "enter", name == "tab", name == "ctrl+j":
		return m.submit()
	case m.asked.Page != nil:
		return m.turn(name, key)
	case !m.written && m.choose(name):
		return nil
	}
	return m.pass(key)
}

// end is the last reply.
func (m *model) end(k forms.Kind) tea.Cmd {
	return tea.Sequence(m.reply(forms.Reply{Kind: k}), tea.Quit)
}

// reply sends a reply, and waits for what is asked next.
func (m *model) reply(r forms.Reply) tea.Cmd {
	m.asked, m.field, m.note = nil, nil, ""
	if r.Kind == forms.Back {
		m.text = ""
	}
	if err := m.send(r); err != nil {
		return m.fail(err)
	}
	return nil
}

// submit answers with what is in the field.
func (m *model) submit() tea.Cmd {
	if m.asked.Page != nil {
		text := forms.No
		if m.yes || m.asked.Page.Confirm == "" {
			text = forms.Yes
		}
		return m.reply(forms.Reply{Kind: forms.Answer, Text: text})
	}
	switch strings.TrimSpace(m.text) {
	case "<": // as in lines, of which messages tell
		return m.reply(forms.Reply{Kind: forms.Back})
	case "?": // the help is there already
		m.text = ""
		m.question(m.written)
		return m.field.Focus()
	}
	q := m.asked.Question
	if q.Kind == question.Plug && !m.written && m.text == other {
		m.text = ""
		m.question(true)
		return m.field.Focus()
	}
	shown := strings.TrimSpace(m.text)
	switch {
	case q.Kind == question.Secret:
		shown = strings.Repeat("*", 8)
	case shown == "":
		shown = q.Default
	}
	m.past = append(m.past, answered{q.Key, q.Section, q.Text, shown})
	cmd := m.reply(forms.Reply{Kind: forms.Answer, Text: m.text})
	if q.Kind == question.Plug && m.text == question.Auto {
		m.note, m.deaf = "Now plug the cable in. If it is in, unplug it and plug it in again.", true
	}
	return cmd
}
