package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/appliance/forms"
	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// The smallest terminal that forms have room on, and the slowest one on which they do not try a person's patience.
const (
	formColumns = 80
	formRows    = 24
	slowest     = 9600 // baud: too slow already
)

// FormsProgram is the program that draws forms.
const FormsProgram = "evenkeel-forms"

// FindForms returns the path of the program that draws forms: beside this one, or in $PATH. "" is none.
func FindForms() string {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), FormsProgram)
		if path, err := exec.LookPath(beside); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(FormsProgram)
	if err != nil {
		return ""
	}
	return path
}

// A Forms shows questions as forms where the terminal can, and as lines of text where it can't, or when the person wants
// them. What was answered in the one is answered in the other.
type Forms struct {
	Lines   *Lines
	Program string        // path of the program that draws them; "": there is none
	Env     []string      // its environment; TERM, LC_ALL, LC_CTYPE and LANG of it are looked at
	Wait    time.Duration // for a terminal to say how large it is; 0: 800 ms

	session *session // nil: lines
	tried   bool     // whether the terminal can show forms is known
	mute    bool     // it was asked, and nobody was there
	again   bool     // it was asked a second time
}

// wait0 is how long a terminal may take to say how large it is: a line around the world takes half of it.
const wait0 = 800 * time.Millisecond

// Open says whether there are forms, and starts them if they were not.
func (f *Forms) Open(ctx context.Context) bool {
	if f.session == nil && !f.tried {
		f.tried = true
		s, err := f.start(ctx)
		f.session, f.mute = s, errors.Is(err, errMute)
	}
	return f.session != nil
}

// errMute is a serial line at whose other end may be nobody yet.
var errMute = errors.New("nobody answers at the other end of the line")

// start looks whether the terminal can show forms, and starts the program that does. The error says why there are none.
func (f *Forms) start(ctx context.Context) (*session, error) {
	term, ok := f.Lines.Terminal.(File)
	kind := f.env("TERM")
	switch {
	case !ok || f.Lines.in.Buffered() > 0:
		return nil, errors.New("the answers come from elsewhere than a terminal")
	case f.Program == "":
		return nil, errors.New("the program that draws forms is not there")
	case kind == "" || kind == "dumb":
		return nil, fmt.Errorf("TERM is %q", kind)
	}
	if baud, err := term.speed(); err != nil || baud <= slowest {
		return nil, errors.Join(err, fmt.Errorf("%d baud are too few", baud))
	}
	wait := f.Wait
	if wait == 0 {
		wait = wait0
	}
	s, typed, err := term.ask(wait)
	if len(typed) > 0 { // an answer to a question of lines that is still to come: a script's
		f.Lines.in = bufio.NewReader(io.MultiReader(bytes.NewReader(typed), term))
		return nil, errors.New("answers were written before the questions")
	}
	switch {
	case err != nil && s.serial:
		return nil, errors.Join(err, errMute)
	case err != nil:
		return nil, err
	case s.columns < formColumns || s.rows < formRows:
		return nil, fmt.Errorf("%d columns and %d lines are too few", s.columns, s.rows)
	}
	return startSession(ctx, term, f.Program, f.Env, s.serial || !f.utf8())
}

// env is a variable of the terminal's environment.
func (f *Forms) env(name string) string {
	for i := len(f.Env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(f.Env[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// utf8 says whether the terminal shows UTF-8 (locale(7)).
func (f *Forms) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(f.env(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// Close ends the forms. The terminal is as it was before.
func (f *Forms) Close() {
	if f.session != nil {
		f.session.close()
		f.session = nil
	}
}

const inLines = `
From here on in lines of text. An empty answer takes what is in [brackets].
? explains the question, < goes back to the one before.
`

// request asks for a reply. ok is false if there are no forms, or no more.
func (f *Forms) request(ctx context.Context, r forms.Request) (reply forms.Reply, ok bool, err error) {
	if !f.Open(ctx) {
		return reply, false, nil
	}
	reply, err = f.session.request(ctx, r)
	switch {
	case ctx.Err() != nil:
		f.Close()
		return reply, true, ctx.Err()
	case err == nil && reply.Kind == forms.Leave:
		f.Close()
		return reply, true, ErrHangup
	case err == nil && reply.Kind != forms.Lines:
		return reply, true, nil
	}
	f.Close()
	if err != nil {
		f.Lines.Printf("\n%s\n", wrap(ascii("! The forms have ended: "+err.Error()+"."), "  "))
	}
	f.Lines.Printf("%s", inLines)
	return reply, false, nil
}

// Ask shows a question as a form, or in lines.
func (f *Forms) Ask(ctx context.Context, q wizard.Question, problem string) (wizard.Reply, error) {
	reply, ok, err := f.request(ctx, forms.Request{Question: &q, Problem: problem})
	if ok {
		return wizard.Reply{Text: reply.Text, Back: reply.Kind == forms.Back}, err
	}
	r, err := f.Lines.Ask(ctx, q, problem)
	if err == nil && f.mute && !f.again { // somebody has come: perhaps with a terminal that answers
		f.tried, f.again = false, true
	}
	return r, err
}

// note tells something.
func (f *Forms) note(ctx context.Context, text string) {
	if !f.Open(ctx) || f.session.conn.Send(forms.Request{Note: text}) != nil {
		f.Lines.note(ctx, text)
	}
}

// page shows a text, and asks whether it is good. Where confirm is "", it is only shown.
func (f *Forms) page(ctx context.Context, p forms.Page) (forms.Kind, bool, error) {
	reply, ok, err := f.request(ctx, forms.Request{Page: &p})
	if ok {
		return reply.Kind, reply.Text == forms.Yes, err
	}
	return f.Lines.page(ctx, p)
}

// during is ctx while the forms are there, if there are any.
func (f *Forms) during(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if f.session == nil {
		return ctx, func() { cancel(nil) }
	}
	stop := context.AfterFunc(f.session.gone, func() { cancel(errors.New("it was given up")) })
	return ctx, func() { stop(); cancel(nil) }
}
