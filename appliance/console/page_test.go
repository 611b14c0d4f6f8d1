package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALongTextIsShownScreenByScreen(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "row %d\n", i+1)
	}
	for _, c := range []struct {
		typed  string
		newest bool
		want   string // the first row of each screen
	}{
		{"\n\n\n", false, "1 23 45"},
		{"n\np\nq\n", false, "1 23 1"},
		{"p\np\np\nq\n", true, "29 7 1 1"},
		{"\n", true, "29"},
	} {
		var out strings.Builder
		if err := NewLines(pipe{strings.NewReader(c.typed), &out}).Page(text.String(), c.newest); err != nil {
			t.Fatal(err)
		}
		var first []string
		for _, screen := range strings.Split(out.String(), "]: ") {
			if row, _, ok := strings.Cut(strings.TrimPrefix(screen, "row "), "\n"); ok {
				first = append(first, row)
			}
		}
		if d := cmp.Diff(c.want, strings.Join(first, " ")); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.typed, d)
		}
	}
	var out strings.Builder
	if err := NewLines(pipe{strings.NewReader(""), &out}).Page("one\n\x1b[2J\n"+strings.Repeat("x", 100), false); err != nil || out.String() != "one\n?[2J\n"+strings.Repeat("x", 79)+"\n  "+strings.Repeat("x", 21)+"\n" {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestALineThatIsTooLongGoesOnWithTheNextWord(t *testing.T) {
	const words = "VRRP INSTANCE  STATE   SINCE"
	for columns, want := range map[int]string{
		40: words,
		29: words,
		28: "VRRP INSTANCE  STATE\n  SINCE",
		22: "VRRP INSTANCE  STATE\n  SINCE",
		20: "VRRP INSTANCE\n  STATE   SINCE",
	} {
		if got := strings.Join(rowsOf(words, columns), "\n"); got != want {
			t.Errorf("with %d columns there is\n%s\nwant\n%s", columns, got, want)
		}
	}
}

// A pinging is something that goes on, and says so.
func pinging(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w, "first answer")
	<-ctx.Done()
	fmt.Fprintln(w, "the sum")
	return nil
}

func TestWhatGoesOnIsStoppedByEnter(t *testing.T) {
	p := newPerson(t)
	l := NewLines(p.terminal())
	done := make(chan error)
	go func() { done <- l.Stoppable(t.Context(), pinging) }()
	p.waits("[Enter ends it]")
	p.writes("first answer", "")
	if err := <-done; err != nil {
		t.Error(err)
	}
	p.waits("the sum")
	go func() {
		done <- l.Stoppable(t.Context(), func(_ context.Context, w io.Writer) error {
			fmt.Fprintln(w, "short\x1b[2J")
			return errors.New("nobody answers")
		})
	}()
	p.waits("short?[2J")
	p.waits("! Nobody answers.")
	p.writes("[it has ended; Enter goes back]", "")
	if err := <-done; err != nil {
		t.Error(err)
	}
	// One Enter each time, and no more, was read.
	go func() { _, err := l.Read("now: "); done <- err }()
	p.writes("now: ", "x")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAHangUpStopsWhatGoesOn(t *testing.T) {
	var out strings.Builder
	if err := NewLines(pipe{strings.NewReader(""), &out}).Stoppable(t.Context(), pinging); !errors.Is(err, ErrHangup) || !strings.Contains(out.String(), "the sum") {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

func TestWhoWritesNothingIsLoggedOut(t *testing.T) {
	p := newPerson(t)
	l := NewLines(p.terminal())
	l.Idle = 100 * time.Millisecond
	done := make(chan error)
	go func() { _, err := l.Read("first: "); done <- err }()
	p.writes("first: ", "here")
	if err := <-done; err != nil {
		t.Errorf("a person who writes: %v", err)
	}
	start := time.Now()
	_, err := l.Read("second: ")
	if took := time.Since(start); !errors.Is(err, ErrIdle) || !errors.Is(err, ErrHangup) || took < l.Idle {
		t.Errorf("a person who does not: %v after %s", err, took)
	}
}

func TestAnswersAreAskedForUntilTheyAreRight(t *testing.T) {
	ask := Prompt{Text: "Address", Preset: "192.0.2.1", Help: "An address.", Check: func(s string) error {
		if s == "wrong" {
			return errors.New("this is no address: write one as in 192.0.2.1")
		}
		return nil
	}}
	for typed, want := range map[string]string{"\n": "192.0.2.1", "wrong\n?\n 192.0.2.2 \n": "192.0.2.2", "<\n": ""} {
		var out strings.Builder
		got, ok, err := NewLines(pipe{strings.NewReader(typed), &out}).Prompt(ask)
		if got != want || ok != (want != "") || err != nil {
			t.Errorf("%q: %q, %v, %v", typed, got, ok, err)
		}
		if strings.Contains(typed, "wrong") && !strings.Contains(out.String(), "! This is no address: write one as in 192.0.2.1.\nAddress [192.0.2.1]: \nAn address.\n") {
			t.Errorf("the screen is\n%s", out.String())
		}
	}
	if _, _, err := NewLines(pipe{strings.NewReader("192.0.2."), io.Discard}).Prompt(ask); !errors.Is(err, ErrHangup) {
		t.Errorf("a hang-up: %v", err)
	}
	got, ok, err := NewLines(pipe{strings.NewReader("3\n2\n"), io.Discard}).Choose("Which one", []string{"eth0", "eth1"})
	if got != "eth1" || !ok || err != nil {
		t.Errorf("chosen: %q, %v, %v", got, ok, err)
	}
}
