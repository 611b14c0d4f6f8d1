package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An Item is a line of a menu.
type Item struct {
	Text    string
	Command string // that does the same at a shell: "evenkeel ping ADDRESS"; "": Items says more
	Help    string // what it does, in a sentence or two
	// Run does it. An error is shown, and the menu again; only ErrHangup ends it.
	Run   func(ctx context.Context, l *Lines) error
	Items []Item // of the menu that it leads to, if it has no Run
}

// A Menu is items with their numbers, which stay where they are, and 0 for the way out.
type Menu struct {
	Title string
	Items []Item
	Out   string // what 0 is: "log out", "back"
	// Note is what a person should know before he chooses, such as that a change waits to be confirmed; nil or "": nothing.
	Note func() string

	inner bool
}

// Run shows the menu and does what is chosen, until 0 is. What that has shown is not pushed away by the menu, which is shown
// again when it is asked for. In a menu in a menu "<" and nothing are the way out, too.
func (m Menu) Run(ctx context.Context, l *Lines) error {
	prompt := m.show(l)
	for ctx.Err() == nil {
		text, err := l.Read(prompt)
		if err != nil {
			return err
		}
		text = strings.TrimSpace(text)
		n, err := strconv.Atoi(text)
		switch {
		case strings.HasPrefix(text, "?"):
			prompt = m.explain(l, strings.TrimSpace(text[1:]))
		case m.inner && (text == "" || text == "<"), text == "0":
			return nil
		case text == "", text == "<":
			prompt = m.show(l)
		case err != nil, n < 0, n > len(m.Items):
			l.Printf("! %s\n", wrap(fmt.Sprintf("%+q is none of the choices: write a number from 0 to %d, or ? for help.", short(text), len(m.Items)), "  "))
		default:
			prompt, err = m.do(ctx, l, m.Items[n-1])
			if errors.Is(err, ErrHangup) {
				return err
			} else if err != nil {
				l.Printf("! %s\n", indented(sentence(err.Error())))
			}
		}
	}
	return ctx.Err()
}

// Prompts of a menu that was just shown, and of one that may have been pushed off the screen.
const (
	choice = "Your choice: "
	again  = "\nYour choice (? shows the menu): "
)

// do does what an item is for, and returns the prompt after it.
func (m Menu) do(ctx context.Context, l *Lines, item Item) (prompt string, err error) {
	if item.Run != nil {
		l.Printf("\n")
		return again, item.Run(ctx, l)
	}
	err = Menu{Title: item.Text, Items: item.Items, Out: "back", Note: m.Note, inner: true}.Run(ctx, l)
	if err != nil {
		return "", err
	}
	return m.show(l), nil
}

func (m Menu) show(l *Lines) (prompt string) {
	l.Printf("\n%s\n\n", heading(ascii(m.Title)))
	if m.Note != nil {
		if note := m.Note(); note != "" {
			l.Printf("%s\n\n", wrap(ascii(note), ""))
		}
	}
	for i, item := range m.Items {
		l.Printf("%4d) %s\n", i+1, item.Text)
	}
	l.Printf("%4d) %s\n\n", 0, m.Out)
	return choice
}

// explain says what an item does, or how the menu is used.
func (m Menu) explain(l *Lines, which string) (prompt string) {
	n, err := strconv.Atoi(which)
	if err != nil || n < 1 || n > len(m.Items) {
		l.Printf("\n%s\n", menuHelp)
		return m.show(l)
	}
	item := m.Items[n-1]
	l.Printf("\n%s\n", wrap(item.Help, ""))
	if item.Command != "" {
		l.Printf("The command for it: %s\n", item.Command)
	}
	return again
}

const menuHelp = `Write the number of what is to be done, and press Enter. A ? and a number, as
in ?1, explain what that does. Where something is asked, an empty answer takes
what is in [brackets], ? explains the question, and < goes back.`

// heading is a title with a line through it.
func heading(title string) string {
	return "-- " + title + " " + strings.Repeat("-", max(0, width-4-len(title)))
}

// indented is a text of a command as it is, but for what a terminal must not get.
func indented(s string) string {
	return strings.ReplaceAll(strings.TrimRight(ascii(s), "\n"), "\n", "\n  ")
}

// short is the beginning of a text, for messages of one line.
func short(text string) string {
	if r := []rune(text); len(r) > 30 {
		return string(r[:27]) + "..."
	}
	return text
}
