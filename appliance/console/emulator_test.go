package console

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hinshun/vt10x"

	"github.com/evenkeel/evenkeel/appliance/forms"
	"github.com/evenkeel/evenkeel/appliance/forms/screen"
	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// TestMain is the program that draws forms, when a test has started it as that.
func TestMain(m *testing.M) {
	if os.Getenv("EVENKEEL_TEST_FORMS") == "" {
		os.Exit(m.Run())
	}
	ascii := len(os.Args) > 1 && os.Args[1] == "--ascii"
	conn := forms.NewConn(os.NewFile(forms.RequestsFD, "requests"), os.NewFile(forms.RepliesFD, "replies"))
	if err := (screen.Screen{In: os.Stdin, Out: os.Stdout, Conn: conn, Env: os.Environ(), ASCII: ascii}).Run(context.Background()); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// An emulator is a terminal with a screen, at the other end of a serial line: it answers what it is asked.
type emulator struct {
	*person
	vt vt10x.Terminal
}

func newEmulator(t *testing.T, columns, rows int) *emulator {
	t.Helper()
	p := newPerson(t)
	e := &emulator{person: p, vt: vt10x.New(vt10x.WithSize(columns, rows), vt10x.WithWriter(p.master))}
	e.vtDeaf(false)
	return e
}

// vtDeaf unplugs the emulator from its line.
func (e *emulator) vtDeaf(deaf bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.screenOf = e.vt; deaf {
		e.screenOf = nil
	}
}

// resizes gives the terminal another size, of which it tells nobody.
func (e *emulator) resizes(columns, rows int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.vt.Resize(columns, rows)
}

// forms are those at this terminal.
func (e *emulator) forms(env ...string) *Forms {
	self, err := os.Executable()
	if err != nil {
		e.t.Fatal(err)
	}
	env = append([]string{"TERM=linux", "EVENKEEL_TEST_FORMS=1", "PATH=" + os.Getenv("PATH")}, env...)
	return &Forms{Lines: NewLines(e.terminal()), Program: self, Env: env}
}

// shown is the screen, without blanks at the ends of its lines.
func (e *emulator) shown() string {
	lines := strings.Split(e.vt.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \x00")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

// sees waits until a text is on the screen.
func (e *emulator) sees(text string) {
	e.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if strings.Contains(e.shown(), text) {
			return
		}
	}
	e.t.Fatalf("%q is not seen; the screen is\n%s", text, e.shown())
}

// sends presses keys.
func (e *emulator) sends(keys string) {
	e.t.Helper()
	if _, err := e.master.WriteString(keys); err != nil {
		e.t.Fatal(err)
	}
}

// The keys that have no letter.
const (
	enter, escapeKey, clear0 = "\r", "\x1b", "\x15"
	down, pageDown           = "\x1b[B", "\x1b[6~"
	shiftTab, ctrlC, ctrlT   = "\x1b[Z", "\x03", "\x14"
	ctrlL                    = "\x0c"
)

// answers answers a question that is on the screen, as a person does: by its number if it is a choice, else in text.
func (e *emulator) answers(q wizard.Question, text string) {
	e.t.Helper()
	e.sees("| " + q.Text)
	chosen := slices.IndexFunc(q.Choices, func(o wizard.Option) bool { return o.Value == q.Chosen(text) })
	switch {
	case text == "":
	case chosen >= 0:
		e.sends(fmt.Sprint(chosen + 1))
	case len(q.Choices) > 0: // the name of another card
		e.sends(fmt.Sprint(len(q.Choices)+1) + enter + text)
	case q.Kind == wizard.Secret:
		e.sends(text)
	default:
		e.sends(clear0 + text)
	}
	e.sends(enter)
}

// An outcome is how a setup ends.
type outcome struct {
	files wizard.Files
	err   error
}

// sits runs a setup at the terminal.
func (e *emulator) sits(u Setup, m wizard.Machine) chan outcome {
	u.Lines = u.Forms.Lines
	if u.Check == nil {
		u.Check = goodFiles
	}
	if u.Find == nil {
		u.Find = cables("eth0")
	}
	if u.Fetch == nil {
		u.Fetch = fetchNothing
	}
	done := make(chan outcome, 1)
	go func() {
		_, f, err := u.Run(e.t.Context(), m)
		done <- outcome{f, err}
	}()
	return done
}
