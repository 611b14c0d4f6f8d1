package console

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/wizard"
)

func TestFormsMakeTheConfigurationThatLinesMake(t *testing.T) {
	for _, s := range sittings(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := newEmulator(t, 80, 24)
			done := e.sits(Setup{Forms: e.forms(), Confirm: "Is it good?"}, s.machine)
			e.fills(s)
			e.sees("| Is it good?")
			e.sends("y" + enter)
			got := <-done
			if got.err != nil {
				t.Fatal(got.err)
			}
			if d := cmp.Diff(s.want, string(got.files.Joined())); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if strings.Contains(e.screen(), "correct horse") {
				t.Error("the password was on the screen")
			}
		})
	}
}

// fills answers all questions of a sitting.
func (e *emulator) fills(s sitting) {
	e.t.Helper()
	w := wizard.NewSession(s.machine)
	for {
		q, ok := w.Question()
		if !ok {
			return
		}
		r, err := s.script.Ask(context.Background(), q, "")
		if err == nil {
			err = w.Answer(r.Text)
		}
		if err != nil {
			e.t.Fatal(err)
		}
		e.answers(q, r.Text)
	}
}

func TestATerminalThatDoesNotAnswerGetsLinesWithinASecond(t *testing.T) {
	e := newEmulator(t, 80, 24)
	p := newPerson(t)
	f := e.forms()
	f.Lines = NewLines(p.terminal())
	start := time.Now()
	done := e.sits(Setup{Forms: f}, twoCards())
	p.writes("Name of this director [lb1]: ", "lb2")
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %s", d)
	}
	p.writes("Your choice [no]: ", "<")
	start = time.Now()
	p.writes("Name of this director [lb2]: ", "")
	p.waits("Your choice [no]: ")
	if d := time.Since(start); d > time.Second/2 {
		t.Errorf("it was asked for its size a third time: that took %s", d)
	}
	p.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestAnAnswerOfTheTerminalThatComesTooLateIsNoAnswerOfThePerson(t *testing.T) {
	e := newEmulator(t, 80, 24)
	e.vtDeaf(true)
	f := e.forms()
	f.Wait = 50 * time.Millisecond
	f.again = true
	done := e.sits(Setup{Forms: f}, twoCards())
	e.waits("Name of this director [lb1]: ")
	e.sends("\x1b[24;80Rlb4" + enter)
	e.writes("Your choice [no]: ", "<")
	e.waits("Name of this director [lb4]: ")
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestTheProgramIsFoundBesideThisOneOrInThePath(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if got := FindForms(); got != "" {
		t.Errorf("found %s, which is nowhere", got)
	}
	program := filepath.Join(dir, FormsProgram)
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := FindForms(); got != program {
		t.Errorf("found %q, want %s", got, program)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(self), FormsProgram)
	if err := os.WriteFile(beside, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(beside)
	if got := FindForms(); got != beside {
		t.Errorf("found %q, want %s", got, beside)
	}
}

// At the other end of a serial line a person arrives when the wizard has long begun.
func TestFormsBeginWhenSomebodyComesToALineThatWasSilent(t *testing.T) {
	e := newEmulator(t, 80, 24)
	e.vtDeaf(true)
	f := e.forms()
	f.Wait = 50 * time.Millisecond
	done := e.sits(Setup{Forms: f}, twoCards())
	e.waits("Name of this director [lb1]: ")
	e.vtDeaf(false)
	e.sends("lb7" + enter)
	e.sees("| One card, or two that are one (a bond)?")
	e.sends(escapeKey)
	e.sees("> lb7")
	e.sends(ctrlC + ctrlC)
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestNoAnswerIsLostThatWasWrittenBeforeItsQuestion(t *testing.T) {
	e := newEmulator(t, 80, 24)
	e.sends("lb9" + enter + "3" + enter)
	time.Sleep(10 * time.Millisecond)
	done := e.sits(Setup{Forms: e.forms()}, twoCards())
	e.waits("Name of this director [lb1]: ")
	e.waits("Your choice [no]: ")
	e.waits("Which network card?")
	e.writes("Your choice [eth1]: ", "<")
	e.writes("Your choice [802.3ad]: ", "<")
	e.waits("Name of this director [lb9]: ")
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestLinesAreThereWhereFormsCanNotBe(t *testing.T) {
	for name, spoil := range map[string]func(e *emulator, f *Forms){
		"a dumb terminal":                      func(_ *emulator, f *Forms) { f.Env = append(f.Env, "TERM=dumb") },
		"a terminal of no kind":                func(_ *emulator, f *Forms) { f.Env = append(f.Env, "TERM=") },
		"no program":                           func(_ *emulator, f *Forms) { f.Program = "" },
		"a program that is not there any more": func(_ *emulator, f *Forms) { f.Program = "/nonexistent/evenkeel-forms" },
		"a program that ends at once":          func(_ *emulator, f *Forms) { f.Program = "/bin/false" },
		"a program that says nonsense":         func(_ *emulator, f *Forms) { f.Program = "testdata/nonsense" },
		"a program of another version":         func(_ *emulator, f *Forms) { f.Program = "testdata/version" },
		"9600 baud": func(e *emulator, _ *Forms) {
			settings, err := e.terminal().settings()
			if err != nil {
				e.t.Fatal(err)
			}
			settings.Cflag = settings.Cflag&^unix.CBAUD | unix.B9600
			if err := e.terminal().set(settings); err != nil {
				e.t.Fatal(err)
			}
		},
		"a small screen": func(e *emulator, _ *Forms) { e.vt.Resize(79, 24) },
		"a flat screen":  func(e *emulator, _ *Forms) { e.vt.Resize(80, 23) },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEmulator(t, 80, 24)
			f := e.forms()
			spoil(e, f)
			done := e.sits(Setup{Forms: f}, twoCards())
			e.writes("Name of this director [lb1]: ", "lb2")
			e.waits("Your choice [no]: ")
			e.master.Close()
			if got := <-done; !errors.Is(got.err, ErrHangup) {
				t.Errorf("got %v", got.err)
			}
		})
	}
}

func TestNothingIsSetUpThatIsNotConfirmed(t *testing.T) {
	s := sittings(t)[1] // alone.txtar
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms(), Confirm: "Is it good?"}, s.machine)
	e.fills(s)
	e.sees("| Is it good?")
	e.sends(enter)
	if got := <-done; !errors.Is(got.err, ErrDeclined) {
		t.Errorf("got %v", got.err)
	}
}
