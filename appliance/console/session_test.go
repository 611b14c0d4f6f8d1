package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/wizard"
)

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
			var got outcome
			select {
			case got = <-done:
			case <-time.After(5 * time.Second):
				t.Fatal("the wizard goes on without anybody")
			}
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
