package console

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/appliance/archive"
)

// A changing is a box with a configuration "old", which a person changes.
type changing struct {
	Change
	loaded []string // what evenkeel has read since
}

func newChanging(t *testing.T) *changing {
	t.Helper()
	a := &archive.Archive{Dir: t.TempDir(), Check: func(dir string) error {
		b, err := os.ReadFile(filepath.Join(dir, "box.hcl"))
		if err == nil && strings.Contains(string(b), "wrong") {
			err = errors.New("the configuration has errors:\nwrong on box.hcl:1,1")
		}
		return err
	}}
	c := &changing{}
	c.Change = Change{Archive: a, Who: "console", Edit: Edit, Within: time.Minute, Reload: func(context.Context) error {
		b, err := os.ReadFile(filepath.Join(a.Current(), "box.hcl"))
		c.loaded = append(c.loaded, strings.TrimSpace(string(b)))
		if strings.Contains(string(b), "not loaded") {
			return errors.New("evenkeel refuses it")
		}
		return err
	}}
	if _, err := a.Save(archive.Files{"box.hcl": []byte("old\n")}, archive.Note{Who: "test"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// inUse is the configuration in use, and whether it waits to be confirmed.
func (c *changing) inUse(t *testing.T) (text string, open bool) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.Archive.Current(), "box.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	trial, err := c.Archive.Trial()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b)), trial != nil
}

func TestAChangedConfigurationStaysOnlyWhenItIsConfirmed(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		want        string
		loaded      []string
		err         error
	}{
		{"confirmed", "\nc 1\nnew\ns\nyes\n", "new", []string{"new"}, nil},
		{"refused", "box.hcl\nc 1\nnew\ns\nno\n", "old", []string{"new", "old"}, nil},
		{"hung up before the answer", "\nc 1\nnew\ns\n", "old", []string{"new", "old"}, ErrHangup},
		{"hung up in the middle of the answer", "\nc 1\nnew\ns\nyes", "old", []string{"new", "old"}, ErrHangup},
		{"given up", "\nc 1\nnew\nq\n", "old", nil, nil},
		{"not changed", "\ns\n", "old", nil, nil},
		{"with an error", "\nc 1\nwrong\ns\nno\n", "old", nil, nil},
		{"with an error, mended", "\nc 1\nwrong\ns\nyes\nc 1\nnew\ns\nyes\n", "new", []string{"new"}, nil},
		{"not loaded", "\nc 1\nnot loaded\ns\nno\n", "old", []string{"not loaded", "old"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			box := newChanging(t)
			err := box.EditFile(t.Context(), NewLines(pipe{strings.NewReader(c.typed), io.Discard}))
			if !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			if text, open := box.inUse(t); text != c.want || open {
				t.Errorf("in use is %q (to be confirmed: %v), want %q", text, open, c.want)
			}
			if d := cmp.Diff(c.loaded, box.loaded); d != "" {
				t.Errorf("loaded (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatNobodyConfirmsGoesByItself(t *testing.T) {
	box := newChanging(t)
	box.Within = 50 * time.Millisecond
	typed, typing := io.Pipe()
	screen, shown := io.Pipe()
	done := make(chan error)
	go func() {
		err := box.EditFile(t.Context(), NewLines(pipe{typed, shown}))
		shown.Close()
		done <- err
	}()
	var all strings.Builder
	waits := func(what string) {
		t.Helper()
		b := make([]byte, 256)
		for !strings.Contains(all.String(), what) {
			n, err := screen.Read(b)
			if err != nil {
				t.Fatalf("%q was not shown: %v\n%s", what, err, all.String())
			}
			all.Write(b[:n])
		}
	}
	types := func(text string) {
		t.Helper()
		if _, err := io.WriteString(typing, text); err != nil {
			t.Fatal(err)
		}
	}
	waits("Which one?")
	types("\n")
	waits("edit> ")
	go func() { _, _ = io.WriteString(typing, "c 1\nnew\ns\n") }() // the prompts in between are read below
	waits("Nobody has confirmed it: version 1 is in use again.")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if text, open := box.inUse(t); text == "old" && !open {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it did not go back")
		}
	}
	types("yes\n")
	waits("It was too late")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Over a connection that hangs, a second one says that the change is good. The first one is told so.
func TestWhatSomebodyElseHasSettledStays(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		settle       func(*archive.Archive) error
		want, said   string
	}{
		{"confirmed, then a yes", "yes\n", (*archive.Archive).Confirm, "new", "Version 2 is kept."},
		{"confirmed, then a no", "no\n", (*archive.Archive).Confirm, "new", "Version 2 is kept."},
		{"confirmed, then a hang-up", "", (*archive.Archive).Confirm, "new", ""},
		{"undone, then a yes", "yes\n", func(a *archive.Archive) error { _, _, err := a.Undo("ssh"); return err }, "old", "It was too late"},
		{"undone and another one begun, then a no", "no\n", func(a *archive.Archive) error {
			_, _, err := a.Undo("ssh")
			if err == nil {
				_, err = a.Try(archive.Files{"box.hcl": []byte("other\n")}, archive.Note{}, time.Hour)
			}
			return err
		}, "other", "What was in use before is in use again."},
	} {
		t.Run(c.name, func(t *testing.T) {
			box := newChanging(t)
			var out strings.Builder
			typed := settling{Reader: strings.NewReader(c.answer), before: func() error { return c.settle(box.Archive) }}
			_, err := box.Try(t.Context(), NewLines(pipe{&typed, &out}), archive.Files{"box.hcl": []byte("new\n")}, "")
			if typed.err != nil {
				t.Fatal(typed.err)
			}
			if err != nil && !errors.Is(err, ErrHangup) {
				t.Error(err)
			}
			if text, _ := box.inUse(t); text != c.want || !strings.Contains(out.String(), c.said) {
				t.Errorf("in use is %q, want %q, and it was said:\n%s", text, c.want, out.String())
			}
		})
	}
}

// A settling reader does something before it is read from for the first time.
type settling struct {
	io.Reader
	before func() error
	err    error
}

func (s *settling) Read(b []byte) (int, error) {
	if s.before != nil {
		s.err, s.before = s.before(), nil
	}
	return s.Reader.Read(b)
}

func TestAPersonSaysHowLongAConfirmationMayTake(t *testing.T) {
	for typed, want := range map[string]struct {
		said string
		text string
	}{
		"\nyes\n":            {"in use for 2 minutes", "new"},
		"x\n0\n61\n5\nyes\n": {"in use for 5 minutes", "new"},
		"<\n":                {"Nothing was changed", "old"},
		"":                   {"Minutes until", "old"},
	} {
		box := newChanging(t)
		box.Within = 0
		var out strings.Builder
		if _, err := box.Try(t.Context(), NewLines(pipe{strings.NewReader(typed), &out}), archive.Files{"box.hcl": []byte("new\n")}, ""); err != nil && !errors.Is(err, ErrHangup) {
			t.Error(err)
		}
		if text, open := box.inUse(t); text != want.text || open || !strings.Contains(out.String(), want.said) {
			t.Errorf("%q: in use is %q, and it was said:\n%s", typed, text, out.String())
		}
	}
}
