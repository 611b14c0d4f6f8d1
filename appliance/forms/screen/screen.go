// Package screen draws the wizard's questions as forms, with charm.land/huh: it is all of the program evenkeel-forms.
//
// A question is one form: what was answered before it in its section, the question, what was wrong with the last answer,
// and its help. It needs a terminal of 80 columns and 24 lines that knows ECMA-48, as everything since the vt100 does, and
// asks it for nothing that such a one would show as rubbish.
package screen

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/evenkeel/evenkeel/appliance/forms"
)

// A Screen is a terminal with the program that wants to know something of the person at it.
type Screen struct {
	In, Out *os.File
	Conn    *forms.Conn // to who asks
	Env     []string    // the environment: TERM, and NO_COLOR for a screen without colours
	ASCII   bool        // nothing else is shown
}

// Run shows what is asked for, until the asker ends the talk, or the person goes. The terminal is then as it was.
func (s Screen) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.Conn.Send(forms.Reply{Kind: forms.Ready, Version: forms.Version}); err != nil {
		return err
	}
	m := &model{ascii: s.ASCII, theme: theme(s.ASCII), send: func(r forms.Reply) error { return s.Conn.Send(r) }, resize: s.resize}
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(input{s.In}), tea.WithOutput(output{s.Out}), tea.WithEnvironment(s.Env))
	go s.receive(p)
	_, err := p.Run()
	if err == nil {
		return m.err
	}
	_ = s.Conn.Send(forms.Reply{Kind: forms.Leave}) // the asker may be gone, too
	return err
}

// A gone is the end of the talk.
type gone struct{ err error }

// receive brings what is asked for to the screen.
func (s Screen) receive(p *tea.Program) {
	for {
		var r forms.Request
		switch err := s.Conn.Receive(&r); {
		case errors.Is(err, io.EOF):
			p.Send(gone{})
			return
		case err != nil:
			p.Send(gone{err})
			return
		}
		p.Send(r)
	}
}

// errHangup is the end of the input.
var errHangup = errors.New("the terminal has gone")

// An input is a terminal whose end is an error: bubbletea takes the end of a file for a pause.
type input struct{ *os.File }

func (i input) Read(b []byte) (int, error) {
	n, err := i.File.Read(b)
	if n == 0 || errors.Is(err, io.EOF) {
		return n, errHangup
	}
	return n, err
}

// An output is a terminal that gets no questions and no settings that terminals at serial lines do not know, and would show:
// those of keyboards that tell more of their keys, of synchronised output and of the width of characters.
type output struct{ *os.File }

func (o output) Write(b []byte) (int, error) {
	if _, err := o.File.Write([]byte(known.Replace(string(b)))); err != nil {
		return 0, err
	}
	return len(b), nil
}

var known = strings.NewReplacer(
	"\x1b[>4;2m", "", "\x1b[>4m", "", "\x1b[>4;0m", "", // xterm's modifyOtherKeys
	"\x1b[=1;1u", "", "\x1b[=0;1u", "", "\x1b[?u", "", // kitty's keyboard
	"\x1b[?2026$p", "", "\x1b[?2026h", "", "\x1b[?2026l", "",
	"\x1b[?2027$p", "", "\x1b[?2027h", "", "\x1b[?2027l", "",
)
