package console

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheMenuDoesWhatIsChosenUntilTheWayOutIs(t *testing.T) {
	var done []string
	item := func(name string, err error) Item {
		return Item{Text: name, Help: "Says " + name + ".", Command: "evenkeel " + name, Run: func(context.Context, *Lines) error { done = append(done, name); return err }}
	}
	var out strings.Builder
	l := NewLines(pipe{strings.NewReader("1\n 2 \n3\n-1\nx\x1b[A\n\n1\n0\nrest\n"), &out})
	m := Menu{Title: "lb1", Out: "log out", Items: []Item{item("status", nil), item("ping", errors.New("nobody answers\nat all\x1b[2J"))}}
	if err := m.Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"status", "ping", "status"}, done); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, want := range []string{"   1) status\n   2) ping\n   0) log out\n", "! Nobody answers\n  at all?[2J", `"3" is none of the choices: write a number from 0 to 2`, `"x\x1b[A" is none`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the screen does not have %q:\n%s", want, out.String())
		}
	}
	if line, err := l.ReadLine(); line != "rest" || err != nil {
		t.Errorf("the line after the menu is %q, %v", line, err)
	}
}

func TestTheEndOfTheInputEndsAllMenus(t *testing.T) {
	m := Menu{Title: "outer", Out: "log out", Items: []Item{{Text: "inner", Items: []Item{{Text: "x"}}}}}
	if err := m.Run(t.Context(), NewLines(pipe{strings.NewReader("1\n"), new(strings.Builder)})); !errors.Is(err, ErrHangup) {
		t.Errorf("got %v, want a hang-up", err)
	}
}

func TestAnInnerMenuIsLeftByNothingAndBack(t *testing.T) {
	done := 0
	inner := Item{Text: "inner", Items: []Item{{Text: "x", Run: func(context.Context, *Lines) error { done++; return nil }}}}
	m := Menu{Title: "outer", Out: "log out", Items: []Item{inner}, Note: func() string { return "Something waits." }}
	var out strings.Builder
	if err := m.Run(t.Context(), NewLines(pipe{strings.NewReader("1\n1\n1\n\n1\n1\n<\n1\n1\n0\n<\n\n0\n"), &out})); err != nil || done != 4 {
		t.Errorf("%v, done %d times, want 4\n%s", err, done, out.String())
	}
	// The inner menu does not push away what an item has shown; the outer one is shown when it is left, or asked for.
	if outer, inner := strings.Count(out.String(), "0) log out"), strings.Count(out.String(), "0) back"); outer != 6 || inner != 3 || strings.Count(out.String(), "Something waits.\n\n   1)") != 9 {
		t.Errorf("the outer menu was shown %d times, the inner %d times\n%s", outer, inner, out.String())
	}
}

func TestAnItemIsExplained(t *testing.T) {
	var out strings.Builder
	m := Menu{Title: "lb1", Items: []Item{{Text: "Ping", Help: strings.Repeat("long ", 20) + "end.", Command: "evenkeel ping ADDRESS"}}}
	if err := m.Run(t.Context(), NewLines(pipe{strings.NewReader("?\n?1\n? 2\n0\n"), &out})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"explain what that does", "\nlong long long long end.\nThe command for it: evenkeel ping ADDRESS\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}

func TestATextIsEditedLineByLine(t *testing.T) {
	const text = "one\ntwo\nthree\nfour\n"
	for _, c := range []struct {
		name, commands, want string
		done                 bool
	}{
		{"nothing", "s\n", text, true},
		{"given up", "d 1\nq\n", "", false},
		{"changed", "c 2\n  2 = \"${x}\"\ns\n", "one\n  2 = \"${x}\"\nthree\nfour\n", true},
		{"inserted", "i 1\nzero\n\n.\ns\n", "zero\n\none\ntwo\nthree\nfour\n", true},
		{"appended", "a\nfive\nsix\n.\ns\n", text + "five\nsix\n", true},
		{"deleted", "d 2 3\nd 1\ns\n", "four\n", true},
		{"undone", "d 2 3\nc 1\nx\nu\nu\nu\ns\n", text, true},
		{"all deleted", "d 1 4\na\nnew\n.\ns\n", "new\n", true},
		{"wrong commands", "d\nd 5\nd 0\nd 3 2\nc 1 2\nx\nd x\np 1 2 3\n\ni\ns\n", text, true},
	} {
		got, done, err := Edit(NewLines(pipe{strings.NewReader(c.commands), new(strings.Builder)}), "box.hcl", text)
		if got != c.want || done != c.done || err != nil {
			t.Errorf("%s: got %q, %v, %v; want %q, %v", c.name, got, done, err, c.want, c.done)
		}
	}
	for n := range len("c 2\nnew\na\nx\n.\n") {
		if got, done, err := Edit(NewLines(pipe{strings.NewReader("c 2\nnew\na\nx\n.\n"[:n]), new(strings.Builder)}), "", text); !errors.Is(err, ErrHangup) || done || got != "" {
			t.Errorf("after a hang-up: %q, %v, %v", got, done, err)
		}
	}
}

func TestWhatTheEditorShowsFitsAScreen(t *testing.T) {
	var out strings.Builder
	long := strings.Repeat("line\n", 50) + "the last\x1b[2J\n"
	if _, _, err := Edit(NewLines(pipe{strings.NewReader("p\np 50\nf last\nq\n"), &out}), "shared.hcl", long); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shared.hcl: 51 lines", "  20  line\n  (p 21 shows more)\n", "edit>   50  line\n  51  the last?[2J\n", "edit>   51  the last"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}

func FuzzWhateverIsWrittenTheEditorGoesOn(f *testing.F) {
	f.Add("p\nd 1 2\nu\nc 1\nx\ni 1\na\n.\ns\n")
	f.Fuzz(func(t *testing.T, commands string) {
		if _, _, err := Edit(NewLines(pipe{strings.NewReader(commands), new(strings.Builder)}), "", "a\nb\nc\n"); err != nil && !errors.Is(err, ErrHangup) {
			t.Error(err)
		}
	})
}
