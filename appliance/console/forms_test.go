package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

func TestOneKeyLeadsFromFormsToLines(t *testing.T) {
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms(), Confirm: "Is it good?"}, wizard.Machine{Cards: twoCards().Cards})
	e.sees("| Name of this director")
	e.sends(clear0 + "lb5" + enter)
	e.sees("| Which network card?")
	e.sends(ctrlT)
	e.waits("From here on in lines of text.")
	e.writes("Your choice [eth1]: ", "<")
	e.writes("Name of this director [lb5]: ", "")
	e.writes("Your choice [eth1]: ", "eth0")
	e.waits("Do the real servers have a network of their own? (yes, no)")
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestTheTerminalIsAsItWasAfterForms(t *testing.T) {
	e := newEmulator(t, 80, 24)
	before, err := e.terminal().settings()
	if err != nil {
		t.Fatal(err)
	}
	f := e.forms()
	done := e.sits(Setup{Forms: f}, twoCards())
	e.sees("| Name of this director")
	e.sends(ctrlC)
	e.sees("Ctrl+C again: leave, and nothing is changed.")
	e.sends("x") // no, stay
	e.sees("Ctrl+C leave")
	e.sees("> lb1x")
	e.sends(ctrlC + ctrlC)
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
	after, err := e.terminal().settings()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	f.Lines.Printf("end")
	e.waits("end")
	if !e.vt.CursorVisible() || strings.Contains(e.shown(), "Ctrl+C") {
		t.Errorf("the forms left something behind:\n%s", e.shown())
	}
}

func TestAProgramThatIsKilledIsFollowedByLines(t *testing.T) {
	s := sittings(t)[5] // box.txtar
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms(), Confirm: "Is it good?"}, s.machine)
	w := wizard.NewSession(s.machine)
	for n := 0; ; n++ {
		q, ok := w.Question()
		if !ok {
			break
		}
		r, err := s.script.Ask(t.Context(), q, "")
		if err == nil {
			err = w.Answer(r.Text)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case n < 7:
			e.answers(q, r.Text)
		case n == 7:
			e.sees("| " + q.Text)
			e.sends("half an ans")
			if err := unix.Kill(child(t), unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			e.waits("! The forms have ended: the program has gone.")
			e.waits("From here on in lines of text.")
			fallthrough
		default:
			e.writes(": ", r.Text)
		}
	}
	e.writes("Is it good? (yes, no) [no]: ", "yes")
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	if d := cmp.Diff(s.want, string(got.files.Joined())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// child is the process that this one has started.
func child(t *testing.T) int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		var pid, parent int
		if _, err := fmt.Sscan(string(text), &pid); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if _, err := fmt.Sscanf(rest[2:], "%d", &parent); err != nil {
			t.Fatal(err)
		}
		if parent == os.Getpid() && rest[0] != 'Z' {
			return pid
		}
	}
	t.Fatal("there is no child")
	return 0
}

func TestHangingUpInFormsChangesNothingAndEndsThem(t *testing.T) {
	s := sittings(t)[1] // alone.txtar
	for name, until := range map[string]func(e *emulator){
		"at the first question": func(e *emulator) { e.sees("| Name of this director") },
		"at a choice": func(e *emulator) {
			e.sees("| Name of this director")
			e.sends(enter)
			e.sees("| Which network card?")
		},
		"while a cable is looked for": func(e *emulator) {
			e.sees("| Name of this director")
			e.sends(enter)
			e.sees("| Which network card?")
			e.sends("1" + enter)
			e.sees("Now plug the cable in.")
		},
		"before the confirmation": func(e *emulator) { e.fills(s); e.sees("| Is it good?") },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEmulator(t, 80, 24)
			done := e.sits(Setup{Forms: e.forms(), Confirm: "Is it good?", Find: forever{}}, s.machine)
			until(e)
			start := time.Now()
			e.master.Close()
			got := <-done
			if !errors.Is(got.err, ErrHangup) || got.files.Shared != nil {
				t.Errorf("got %v", got.err)
			}
			if d := time.Since(start); d >= endTime {
				t.Errorf("it took %s: the program had to be killed", d)
			}
		})
	}
}

// forever finds no cable.
type forever struct{}

func (forever) Plugged(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestADirectorThatEndsTakesTheFormsAlong(t *testing.T) {
	e := newEmulator(t, 80, 24)
	ctx, cancel := context.WithCancel(t.Context())
	f := e.forms()
	done := make(chan error, 1)
	go func() {
		_, _, err := Setup{Lines: f.Lines, Forms: f, Check: goodFiles}.Run(ctx, twoCards())
		done <- err
	}()
	e.sees("| Name of this director")
	start := time.Now()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(start); d >= endTime {
		t.Errorf("it took %s: the program had to be killed", d)
	}
}

func TestTheSearchForACableCanBeGivenUp(t *testing.T) {
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms(), Find: forever{}}, twoCards())
	e.sees("| Name of this director")
	e.sends(enter + enter)
	e.sees("| Which network card?")
	e.sends("3" + enter)
	e.sees("Now plug the cable in. If it is in, unplug it and plug it in again.")
	e.sends(ctrlT)
	e.waits("! The search for the cable was given up: choose auto to begin again, or name")
	e.writes("Your choice [eth1]: ", "eth1")
	e.waits("VLAN on it [none]: ")
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestAPersonSetsUpABoxInForms(t *testing.T) {
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms(), Confirm: "Shall the box be set up like this?"}, twoCards())
	e.sees("| Name of this director")
	e.sends(clear0 + "lb_1" + enter)
	e.sees(`! "lb_1" is no host name: write letters`)
	e.sees("> lb_1") // to be corrected
	e.sends("\x7f\x7f1" + enter)
	e.sees("> 1) no             one card")
	e.sends("<") // of which messages tell
	e.sees("| > lb1")
	e.sends(clear0 + "<" + enter)
	e.sees("! This is the first question.")
	e.sends(clear0 + "lb1" + enter)
	e.sees("> 1) no             one card")
	e.sends(enter)
	e.sees("| Which network card?")
	e.sends(down + down + enter) // auto
	e.sees("The card is eth0.")
	e.sees("| VLAN on it")
	e.sends(enter)
	e.sees("| How does the box get its address?")
	e.sends(enter)
	e.sees("| Address of this box, with the length of its network")
	e.sends("192.168.12.11" + enter)
	e.sees("! The length of the network is missing")
	e.sends("/24" + enter)
	e.sees("| Gateway to other networks")
	e.sends("192.168.12.1" + enter)
	e.sees("| Name servers (DNS)")
	e.sends(shiftTab)
	e.sees("| > 192.168.12.1")
	e.sends("\x1b\t") // Shift+Tab of Linux's own screen
	e.sees("| > 192.168.12.11/24")
	e.sends(enter + enter)
	e.sees("| Name servers (DNS)")
	e.sends("192.168.12.1" + enter)
	e.sees("| Do the real servers have a network of their own?")
	e.sends(down + enter)
	e.sees("| Password of the console")
	e.sends("correct horse" + enter)
	e.sees("| The password again")
	e.sends("correct house" + enter)
	e.sees("! This is not the same as the first: write it again, or < to go back to the")
	e.sends("correct horse" + enter)
	e.sees("| Public key for SSH")
	e.sends(enter)
	e.sees("| Time servers (NTP)")
	e.sends(clear0 + "192.168.12.1" + enter)
	e.sees("| One director, or two that stand in for each other?")
	e.sends(down + enter) // first
	e.sees("| Address of the other director, if adverts can't go by multicast")
	e.sends(enter)
	e.sees("| VIPs, each with the length of its network")
	e.sends("192.168.12.135/24" + enter + enter + enter)
	e.sees("| Name of the virtual server")
	e.sends(enter)
	e.sees("| Protocol")
	e.sends(enter + enter)
	e.sees("| How do packets reach the real servers?")
	golden(t, "forms.screen", e.shown())
	documented(t, "forms.screen")
	e.sends(enter)
	e.sees("| Real servers")
	e.sends("192.168.12.246 192.168.12.237:8080" + enter)
	e.sees("! With dr packets arrive at the port they were sent to: write")
	golden(t, "wrong.screen", e.shown())
	e.sends(clear0 + "192.168.12.246 192.168.12.237" + enter)
	e.sees("| Which real server gets a new connection?")
	e.sends("2" + enter + enter)
	e.sees("| How is a real server known to work?")
	e.sends(enter)
	e.sees("| Page to ask for")
	e.sends(clear0 + "/health" + enter + enter)
	e.sees("| Name of one more virtual server")
	e.sends(enter)
	e.sees("| Who gets a mail")
	e.sends(enter)
	e.sees("| Shall the box be set up like this?")
	golden(t, "confirm.screen", e.shown())
	e.sends(escapeKey)
	e.sees("| Who gets a mail")
	e.sends(enter)
	e.sees("| Shall the box be set up like this?")
	e.sends(pageDown + pageDown + pageDown + pageDown)
	e.sees("192.168.12.237:80")
	e.sends("y" + enter)
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	screen, err := os.ReadFile("testdata/box.screen")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(got.files.Joined())); !strings.Contains(string(screen), want) {
		t.Errorf("lines make another configuration than forms, which make\n%s", want)
	}
	if strings.Contains(e.screen(), "correct ho") {
		t.Error("a password was on the screen")
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

func TestALargeTerminalOfUTF8HasLinesInUTF8(t *testing.T) {
	e := newEmulator(t, 200, 60)
	if err := control(e.tty, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: 200, Row: 60})
	}); err != nil {
		t.Fatal(err)
	}
	done := e.sits(Setup{Forms: e.forms("LANG=de_DE.UTF-8")}, twoCards())
	e.sees("\u2503 Name of this director")
	e.sees(strings.Repeat("\u2500", 70))
	e.sees("\nEnter next   Esc back")
	for i, line := range strings.Split(e.shown(), "\n") {
		if n := len([]rune(line)); n > 100 {
			t.Errorf("line %d has %d columns, which is hard to read: %s", i+1, n, line)
		}
	}
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestTheFormsFollowTheSizeOfTheTerminal(t *testing.T) {
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms()}, twoCards())
	e.sees("| Name of this director")
	e.sends("x")
	e.sees("> lb1x")
	e.resizes(60, 20)
	e.sends(ctrlL) // a serial line does not tell
	e.sees("This terminal has 60 columns and 20 lines, and forms need 80\nand 24. Make it larger, or press Ctrl+T for lines of text.")
	e.resizes(132, 50)
	e.sends(ctrlL)
	e.sees("> lb1x")
	e.sees(strings.Repeat("-", 99))
	if columns, rows := e.terminal().Size(); columns != 132 || rows != 50 {
		t.Errorf("the kernel was told of %d columns and %d lines", columns, rows)
	}
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestNobodyWhoWantsNoColoursGetsAny(t *testing.T) {
	colour := regexp.MustCompile("\x1b\\[([0-9;]*;)?[349][0-9]([0-9;]*)m")
	for env, want := range map[string]bool{"NO_COLOR=1": false, "NO_COLOR=": true} {
		e := newEmulator(t, 80, 24)
		done := e.sits(Setup{Forms: e.forms(env)}, twoCards())
		e.sees("| Name of this director")
		e.sends("_" + enter)
		e.sees("is no host name")
		e.sends(clear0 + enter)
		e.sees("> 1) no")
		if got := colour.MatchString(e.screen()); got != want {
			t.Errorf("with %s there are colours: %v", env, got)
		}
		if bad := regexp.MustCompile("\x1b\\[[>=<]|\\$p|\x1b\\]|\x1bP").FindString(e.screen()); bad != "" {
			t.Errorf("%q is not for every terminal", bad)
		}
		e.master.Close()
		<-done
	}
}
