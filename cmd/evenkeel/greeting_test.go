package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/problem"
)

func TestConsoleSaysWhatIsWrongAndHowToGoOn(t *testing.T) {
	dir := t.TempDir()
	cards, problems := console.Cards{Dir: filepath.Join(dir, "net"), All: true}, filepath.Join(dir, "problems")
	if err := os.MkdirAll(filepath.Join(cards.Dir, "eth0"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cards.Dir, "eth0", "type"), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	says := func(cards console.Cards) string {
		var s strings.Builder
		sayWrong(&s, problems, cards)
		return s.String()
	}
	if got := says(cards); got != "" {
		t.Errorf("of a box with which nothing is wrong it says %q", got)
	}
	if got := says(console.Cards{Dir: dir}); !strings.HasPrefix(got, "\nThis is wrong here:\n* no network card was found\n  Put one in") {
		t.Errorf("of a box without a card it says %q", got)
	}
	if err := problem.Tell(problems, "init", []problem.Problem{{What: "the disk is too small", Then: "Use a larger one."}}); err != nil {
		t.Fatal(err)
	}
	if got, want := says(cards), "\nThis is wrong here:\n* the disk is too small\n  Use a larger one.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var hello strings.Builder
	if greet(&hello, problems); !strings.HasPrefix(hello.String(), "\nevenkeel development on ") {
		t.Errorf("it greets with %q", hello.String())
	}
}

func TestConsoleSaysWhereAConfigurationIsWrong(t *testing.T) {
	if got := errorsOf("warning", nil); got != nil {
		t.Errorf("a good configuration is wrong: %v", got)
	}
	got := errorsOf("Error at box.hcl:3,5: x\n", errors.New("it has errors"))
	if len(got) != 1 || got[0].What != "the configuration in use has errors:\nError at box.hcl:3,5: x" || !strings.Contains(got[0].Then, "an older version") {
		t.Errorf("got %v", got)
	}
	given := given([]error{errors.New("half of it is missing")}, "")
	if len(given) != 1 || !strings.Contains(given[0].Then, "Correct it and start the box again") {
		t.Errorf("of what it was given it says %v", given)
	}
}
