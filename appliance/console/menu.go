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
	Text string
	// Run does it. An error is shown, and the menu again; only ErrHangup ends it.
	Run func(ctx context.Context, l *Lines) error
}

// A Menu is items with their numbers, and 0 for the way out.
type Menu struct {
	Title string
	Items []Item
	Out   string // what 0 is: "log out", "back"
}

// Run shows the menu and does what is chosen, until 0 is. A menu in a menu is an Item with its Run.
func (m Menu) Run(ctx context.Context, l *Lines) error {
	for ctx.Err() == nil {
		l.Printf("\n%s\n\n", heading(m.Title))
		for i, item := range m.Items {
			l.Printf("%4d) %s\n", i+1, item.Text)
		}
		l.Printf("%4d) %s\n\n", 0, m.Out)
		text, err := l.Read("Your choice: ")
		if err != nil {
			return err
		}
		text = strings.TrimSpace(text)
		n, err := strconv.Atoi(text)
		switch {
		case text == "":
			continue
		case err != nil, n < 0, n > len(m.Items):
			l.Printf("! %s\n", wrap(fmt.Sprintf("%+q is none of the choices: write a number from 0 to %d.", short(text), len(m.Items)), "  "))
			continue
		case n == 0:
			return nil
		}
		l.Printf("\n")
		if err := m.Items[n-1].Run(ctx, l); errors.Is(err, ErrHangup) {
			return err
		} else if err != nil {
			l.Printf("! %s\n", indented(sentence(err.Error())))
		}
	}
	return ctx.Err()
}

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
