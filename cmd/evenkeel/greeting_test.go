package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/problem"
)

func TestConsoleSaysWhatIsWrongAndHowToGoOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "problems")
	var well, ill strings.Builder
	greet(&well, dir)
	if err := problem.Tell(dir, "init", []problem.Problem{{What: "the disk is too small", Then: "Use a larger one."}}); err != nil {
		t.Fatal(err)
	}
	greet(&ill, dir)
	want := well.String() + "\nThis is wrong here:\nthe disk is too small\n  Use a larger one.\n"
	if !strings.HasPrefix(well.String(), "\nevenkeel development on ") || strings.Contains(well.String(), "wrong") || ill.String() != want {
		t.Errorf("got %q without problems, %q with one", well.String(), ill.String())
	}
}
