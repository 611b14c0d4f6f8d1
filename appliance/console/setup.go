package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/appliance/forms"
	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// A Setup asks the wizard's questions until there is a configuration that is good.
type Setup struct {
	Lines *Lines
	Forms *Forms       // where the terminal can show them; nil: Lines, always
	Ask   wizard.Asker // who answers; nil: the person at Forms or Lines
	Find  wizard.Finder
	Check func(wizard.Files) error // what the language says of it, for a person to read
	// Fetch gets what the pair shares from the first director, with its code and under this director's name. keep is to
	// be called with it. On a new box it brings the network of box.hcl up before.
	Fetch  func(ctx context.Context, code, name string, box []byte, keep func(pairing.Shared) error) error
	Script bool // nobody is there to correct anything
	// Confirm is what is asked when all is answered and the configuration is shown; ErrDeclined is a no. "": nothing is.
	Confirm string
}

// ErrDeclined is a configuration that was not confirmed.
var ErrDeclined = errors.New("not confirmed: nothing was changed")

const welcome = `
evenkeel: a few questions, and this is a load balancer.

An empty answer takes what is in [brackets]. ? explains the question, < goes
back to the one before. Nothing is written before you have seen all of it.
`

// formsWelcome is the same for forms, in which the keys are always shown.
const formsWelcome = "A few questions, and this is a load balancer. Nothing is written before you have seen all of it."

// A face is how a person sees the wizard: [Lines] or [Forms].
type face interface {
	wizard.Asker
	note(ctx context.Context, text string)
	page(ctx context.Context, p forms.Page) (reply forms.Kind, yes bool, err error)
}

func (u Setup) face() face {
	if u.Forms != nil {
		return u.Forms
	}
	return u.Lines
}

// Run asks, and returns the session in which all is answered with what it has written. An error, such as the end of the
// input, means that nothing is known. The forms, if there were any, are closed.
func (u Setup) Run(ctx context.Context, m wizard.Machine) (*wizard.Session, wizard.Files, error) {
	ask, drawn := u.Ask, false
	if u.Forms != nil && !u.Script {
		drawn = u.Forms.Open(ctx)
		defer u.Forms.Close()
	}
	if ask == nil {
		ask = u.face()
	}
	switch {
	case drawn:
		u.Forms.note(ctx, formsWelcome)
	case !u.Script:
		u.Lines.Printf("%s", welcome)
	}
	s := wizard.NewSession(m)
	for {
		if err := wizard.Run(ctx, s, ask, teller{u}); err != nil {
			return nil, wizard.Files{}, err
		}
		files, err := u.write(ctx, s)
		switch {
		case err == nil && u.Script:
			return s, files, nil
		case u.Script:
			return nil, wizard.Files{}, fmt.Errorf("the configuration that the answers make is not good: %w", err)
		case err != nil:
			err = u.complain(ctx, err)
		default:
			var back bool
			if back, err = u.confirm(ctx, files); err == nil && !back {
				return s, files, nil
			}
		}
		if err != nil {
			return nil, wizard.Files{}, err
		}
		s.Back()
	}
}

// write makes the configuration of the answers, and says what is wrong with it.
func (u Setup) write(ctx context.Context, s *wizard.Session) (wizard.Files, error) {
	files, err := s.Files()
	if err != nil {
		return files, err
	}
	a := s.Answers()
	if a.None("pair.code") {
		return files, u.Check(files)
	}
	if u.Ask == nil {
		u.face().note(ctx, "Fetching what the pair shares.")
	}
	ctx, done := u.during(ctx)
	defer done()
	err = u.Fetch(ctx, a["pair.code"], a["hostname"], files.Box, func(shared pairing.Shared) error {
		files.Shared = shared.Text
		return u.Check(files)
	})
	return files, err
}

// complain says what is wrong with the configuration.
func (u Setup) complain(ctx context.Context, wrong error) error {
	text := fmt.Sprintf("This does not make a configuration:\n\n%s\n\nGo back to the answer that is to be another one, or try again.\n\n", wrong)
	_, _, err := u.face().page(ctx, forms.Page{Title: "Not yet", Text: text})
	return err
}

// confirm shows the configuration and asks for a yes. back is the wish to see the last question again.
func (u Setup) confirm(ctx context.Context, f wizard.Files) (back bool, err error) {
	p := forms.Page{Title: "The configuration", Text: string(f.Joined()), Confirm: u.Confirm}
	if u.Forms != nil && u.Confirm == "" {
		u.Forms.Close() // what is only shown stays on the screen in lines
		u.Lines.Show(p)
		return false, nil
	}
	reply, yes, err := u.face().page(ctx, p)
	switch {
	case err != nil:
		return false, err
	case reply == forms.Back:
		return true, nil
	case !yes:
		return false, ErrDeclined
	}
	return false, nil
}

// during is ctx while there is somebody who waits.
func (u Setup) during(ctx context.Context) (context.Context, func()) {
	if u.Forms == nil {
		return ctx, func() {}
	}
	return u.Forms.during(ctx)
}

// A teller says which card was found.
type teller struct{ Setup }

// Plugged waits for a cable.
func (t teller) Plugged(ctx context.Context) (string, error) {
	waiting, done := t.during(ctx)
	defer done()
	card, err := t.Find.Plugged(waiting)
	switch {
	case err == nil && t.Ask == nil:
		t.face().note(ctx, "The card is "+card+".")
	case waiting.Err() != nil && ctx.Err() == nil:
		err = errors.New("the search for the cable was given up: choose auto to begin again, or name the card")
	}
	return card, err
}

// note tells something between two questions.
func (l *Lines) note(_ context.Context, text string) { l.Printf("%s\n\n", text) }

// page shows a text, and asks for a yes or a no if there is a question at its end. There is no way back.
func (l *Lines) page(_ context.Context, p forms.Page) (forms.Kind, bool, error) {
	l.Show(p)
	if p.Confirm == "" {
		return forms.Answer, true, nil
	}
	yes, err := l.Confirm(p.Confirm)
	return forms.Answer, yes, err
}

// Show writes a text between two lines.
func (l *Lines) Show(p forms.Page) {
	l.Printf("\n%s\n\n%s\n", heading(p.Title), ascii(p.Text))
	l.Printf("%s\n", strings.Repeat("-", width))
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
