package screen

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// widest is how wide a screen is used: longer lines are hard to read.
const widest = 100

// columns are those that are used: not the last one, behind which some terminals begin a line of their own.
func (m *model) columns() int { return min(m.width, widest) - 1 }

// fit gives the field and the page the room that they have.
func (m *model) fit() {
	if m.field == nil || tooSmall(m.width, m.height) {
		return
	}
	m.field = m.field.WithWidth(m.columns())
	m.page.SetWidth(m.columns())
	m.page.SetHeight(m.height - 8)
	switch f := m.field.(type) {
	case *huh.Input:
		f.Value(&m.text) // shown again, from the place that fits
	case *huh.Select[string]:
		need := 1 + len(m.options())
		room := m.height - 4 - height(m.told()) - height(m.help())
		f.Height(min(need, max(4, room)))
	}
}

// height is how many lines a block needs, with the empty one after it.
func height(block string) int {
	if block == "" {
		return 0
	}
	return lipgloss.Height(block) + 1
}

// View draws the screen.
func (m *model) View() tea.View {
	m.last = m.screen()
	v := tea.NewView(m.last)
	v.AltScreen = true
	return v
}

func (m *model) screen() string {
	if m.width == 0 {
		return "" // the library draws before it knows the size
	}
	if tooSmall(m.width, m.height) {
		text := fmt.Sprintf("This terminal has %d columns and %d lines, and forms need %d and %d. Make it larger, or press Ctrl+T for lines of text.", m.width, m.height, Columns, Rows)
		return ansi.Wordwrap(text, m.width, "")
	}
	title, body := "evenkeel", ""
	switch {
	case m.asked == nil && m.note == "":
		return m.last // the next question is not far
	case m.asked == nil:
		body = m.wrap(m.note, "")
	case m.asked.Page != nil:
		title, body = m.asked.Page.Title, m.paper()
	default:
		title, body = m.asked.Question.Section, m.form()
	}
	body = strings.TrimRight(body, "\n")
	room := m.height - 4
	lines := strings.Split(body, "\n")
	if len(lines) > room {
		lines = append(lines[:room-1], "...")
	}
	for len(lines) < room {
		lines = append(lines, "")
	}
	lines = append([]string{m.theme.heading(clean(title, m.ascii), m.columns()), ""}, lines...)
	lines = append(lines, m.theme.line(m.columns()), m.keys())
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// form is a question, with what belongs to it.
func (m *model) form() string {
	field, told, help := m.field.View(), m.told(), m.help()
	room := m.height - 4 - height(field) - height(told) - height(help)
	var parts []string
	for _, p := range []string{m.before(room), field, told, help} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "\n\n")
}

// before is what was answered in the section, as far as there is room for it.
func (m *model) before(room int) string {
	wide := 0
	past := slices.DeleteFunc(slices.Clone(m.past), func(a answered) bool { return a.section != m.asked.Question.Section })
	for _, a := range past {
		wide = max(wide, min(len(a.question), m.columns()*2/3))
	}
	var lines []string
	for _, a := range past {
		question := ansi.Truncate(clean(a.question, m.ascii), wide, "..")
		answer := ansi.Truncate(clean(a.answer, m.ascii), m.columns()-wide-4, "..")
		lines = append(lines, fmt.Sprintf("  %s  %s", m.theme.faint.Render(fmt.Sprintf("%-*s", wide, question)), answer))
	}
	if n := room - 1; len(lines) > n {
		lines = lines[len(lines)-max(0, n):]
	}
	return strings.Join(lines, "\n")
}

// told is what is wrong, or else what was noted.
func (m *model) told() string {
	if p := m.asked.Problem; p != "" {
		return m.theme.wrong.Render(m.wrap("! "+sentence(clean(p, m.ascii)), "  "))
	}
	if m.note != "" {
		return m.wrap(m.note, "")
	}
	return ""
}

func (m *model) help() string {
	if m.asked.Question == nil {
		return ""
	}
	return clean(m.asked.Question.Help, m.ascii)
}

// paper is a page, with the question at its end.
func (m *model) paper() string {
	total := m.page.TotalLineCount()
	top := m.page.YOffset()
	where := fmt.Sprintf("lines %d to %d of %d", min(top+1, total), min(top+m.page.Height(), total), total)
	return m.page.View() + "\n" + m.theme.faint.Render(where) + "\n\n" + m.field.View()
}

// keys are what may be pressed.
func (m *model) keys() string {
	if m.leaving {
		return m.theme.wrong.Render("Ctrl+C again: leave, and nothing is changed.   Any other key: stay.")
	}
	var keys []string
	switch {
	case m.asked == nil:
	case m.asked.Page != nil && m.asked.Page.Confirm != "":
		keys = []string{"Up Down scroll", "Y/N Enter answer", "Esc back"}
	case m.asked.Page != nil:
		keys = []string{"Up Down scroll", "Enter go on"}
	case m.written:
		keys = []string{"Enter next", "Esc back", "Ctrl+U clear"}
	default:
		keys = []string{"Up Down choose", "Enter next", "Esc back"}
	}
	lines := "Ctrl+T lines of text"
	if len(keys) > 2 && m.asked.Page != nil {
		lines = "Ctrl+T lines" // there is no room for more
	}
	keys = append(keys, lines, "Ctrl+C leave")
	return m.theme.faint.Render(strings.Join(keys, "   "))
}

// wrap breaks a text into lines that fit, of which all but the first begin with an indent.
func (m *model) wrap(s, indent string) string {
	return strings.ReplaceAll(ansi.Wordwrap(s, m.columns()-len(indent), ""), "\n", "\n"+indent)
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
