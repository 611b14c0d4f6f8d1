package console

import (
	"context"
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// A Setup asks the wizard's questions until there is a configuration that is good.
type Setup struct {
	Lines *Lines
	Ask   wizard.Asker // nil: Lines
	Find  wizard.Finder
	Check func(wizard.Files) error // what the language says of it, for a person to read
	// Fetch gets what the pair shares from the first director, with its code and under this director's name. keep is to
	// be called with it. On a new box it brings the network of box.hcl up before.
	Fetch  func(ctx context.Context, code, name string, box []byte, keep func(pairing.Shared) error) error
	Script bool // nobody is there to correct anything
}

const welcome = `
evenkeel: a few questions, and this is a load balancer.

An empty answer takes what is in [brackets]. ? explains the question, < goes
back to the one before. Nothing is written before you have seen all of it.
`

// Run asks, and returns the session in which all is answered with what it has written. An error, such as the end of the
// input, means that nothing is known.
func (u Setup) Run(ctx context.Context, m wizard.Machine) (*wizard.Session, wizard.Files, error) {
	ask := u.Ask
	if ask == nil {
		ask = u.Lines
	}
	if !u.Script {
		u.Lines.Printf("%s", welcome)
	}
	s := wizard.NewSession(m)
	for {
		if err := wizard.Run(ctx, s, ask, teller{u}); err != nil {
			return nil, wizard.Files{}, err
		}
		files, err := s.Files()
		if a := s.Answers(); err == nil && !a.None("pair.code") {
			u.Lines.Printf("\nFetching what the pair shares.\n")
			err = u.Fetch(ctx, a["pair.code"], a["hostname"], files.Box, func(shared pairing.Shared) error {
				files.Shared = shared.Text
				return u.Check(files)
			})
		} else if err == nil {
			err = u.Check(files)
		}
		switch {
		case err == nil:
			if !u.Script {
				u.Show(files)
			}
			return s, files, nil
		case u.Script:
			return nil, wizard.Files{}, fmt.Errorf("the configuration that the answers make is not good: %w", err)
		}
		u.Lines.Printf("\nThis does not make a configuration:\n\n%s\n\nGo back with < to the answer that is to be another one, or try again.\n\n", ascii(err.Error()))
		s.Back()
	}
}

// A teller says which card was found.
type teller struct{ Setup }

// Plugged waits for a cable.
func (t teller) Plugged(ctx context.Context) (string, error) {
	card, err := t.Find.Plugged(ctx)
	if err == nil {
		t.Lines.Printf("The card is %s.\n\n", card)
	}
	return card, err
}

// Show writes the configuration as it will be written.
func (u Setup) Show(f wizard.Files) {
	u.Lines.Printf("\n%s\n\n%s\n", heading("The configuration"), ascii(string(f.Joined())))
	u.Lines.Printf("%s\n", strings.Repeat("-", width))
}

// Confirm asks a question that is answered by yes or no; an empty answer is no. ErrHangup is no, too, and an error.
func (l *Lines) Confirm(text string) (bool, error) {
	for {
		l.Printf("%s (yes, no) [no]: ", text)
		line, err := l.ReadLine()
		if err != nil {
			return false, err
		}
		switch line {
		case "yes":
			return true, nil
		case "no", "":
			return false, nil
		}
		l.Printf("! Write yes or no.\n")
	}
}
