package console

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestThereIsNoPasswordThatIsGoodEverywhere(t *testing.T) {
	p := Password{Path: filepath.Join(t.TempDir(), "password")}
	for _, try := range []string{"", "evenkeel", "admin", "root", "password"} {
		if ok, err := p.Is(try); ok || !errors.Is(err, ErrNoPassword) {
			t.Errorf("%q: got %v, %v before one was set", try, ok, err)
		}
	}
	for _, hash := range []string{"", "\n", "plain text", "$2a$10$short"} {
		if err := os.WriteFile(p.Path, []byte(hash), 0o600); err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Is(strings.TrimSpace(hash)); ok || err == nil {
			t.Errorf("with a file %q: got %v, %v", hash, ok, err)
		}
	}
}

func TestAPasswordIsKeptAsItsHashForRootAlone(t *testing.T) {
	p := Password{Path: filepath.Join(t.TempDir(), "password"), Cost: 4}
	if err := p.Set("correct horse"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(p.Path)
	if err != nil || strings.Contains(string(b), "horse") {
		t.Errorf("the file is %q, %v", b, err)
	}
	if info, err := os.Stat(p.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	for try, want := range map[string]bool{"correct horse": true, "": false, "correct hors": false, "correct horse ": false, strings.Repeat("x", 100): false} {
		if ok, err := p.Is(try); ok != want || err != nil {
			t.Errorf("%q: got %v, %v", try, ok, err)
		}
	}
	if err := p.Set(strings.Repeat("x", 73)); err == nil {
		t.Error("a password was kept of which the end does not count")
	}
}

func TestEachWrongPasswordInARowTakesTwiceAsLong(t *testing.T) {
	p := Password{Path: filepath.Join(t.TempDir(), "password"), Cost: 4}
	if err := p.Set("correct horse"); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		g := Login{Lines: NewLines(pipe{strings.NewReader("a\nb\n\ncorrect horse\n"), io.Discard}), Password: p, Name: "lb1"}
		start := time.Now()
		if err := g.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("three wrong ones took %s, want 1 + 2 + 4 s", took)
		}
		g.Lines = NewLines(pipe{strings.NewReader("a\n"), io.Discard})
		if err := g.Run(t.Context()); !errors.Is(err, ErrHangup) {
			t.Errorf("got %v, want a hang-up", err)
		}
	})
}
