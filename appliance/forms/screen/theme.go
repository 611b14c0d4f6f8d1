package screen

import (
	"strings"

	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
)

// A look is how things are drawn. Colours are those of the terminal's own sixteen, and nothing is told by colour alone.
type look struct {
	huh           huh.Theme
	bar           string // beside what is to be answered
	rule          string // a line across the screen is made of it
	title         lipgloss.Style
	faint, strong lipgloss.Style
	wrong         lipgloss.Style
}

// theme is the look in ASCII, or with lines.
func theme(ascii bool) look {
	l := look{bar: "\u2503", rule: "\u2500", title: lipgloss.NewStyle().Bold(true), faint: lipgloss.NewStyle().Faint(true),
		strong: lipgloss.NewStyle().Bold(true), wrong: lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)}
	if ascii {
		l.bar, l.rule = "|", "-"
	}
	l.huh = huh.ThemeFunc(func(dark bool) *huh.Styles {
		s := huh.ThemeBase(dark)
		f := &s.Focused
		f.Base = lipgloss.NewStyle().PaddingLeft(1).BorderStyle(lipgloss.Border{Left: l.bar}).BorderLeft(true).BorderForeground(lipgloss.Cyan)
		f.Title = l.strong
		f.SelectSelector = lipgloss.NewStyle().SetString("> ").Foreground(lipgloss.Cyan)
		f.SelectedOption = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan)
		f.UnselectedOption = lipgloss.NewStyle()
		f.TextInput.Prompt = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
		f.TextInput.Placeholder = l.faint
		f.FocusedButton = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan).Transform(func(s string) string { return "[ " + s + " ]" })
		f.BlurredButton = lipgloss.NewStyle().Transform(func(s string) string { return "  " + s + "  " })
		return s
	})
	return l
}

// heading is a title with a line through it.
func (l look) heading(title string, width int) string {
	left, right := strings.Repeat(l.rule, 2)+" ", max(0, width-4-lipgloss.Width(title))
	return l.faint.Render(left) + l.title.Render(title) + l.faint.Render(" "+strings.Repeat(l.rule, right))
}

func (l look) line(width int) string { return l.faint.Render(strings.Repeat(l.rule, width)) }

// clean replaces what the terminal must not get.
func clean(s string, ascii bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0, r > '~' && ascii:
			return '?'
		}
		return r
	}, s)
}
