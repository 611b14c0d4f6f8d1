package problem

import (
	"path/filepath"
	"testing"
)

func TestTheConsoleReadsWhatAllProgramsTell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "problems")
	reads := func(want string) {
		t.Helper()
		if got := Read(dir); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	tell := func(program string, problems ...Problem) {
		t.Helper()
		if err := Tell(dir, program, problems); err != nil {
			t.Fatal(err)
		}
	}
	reads("")
	tell("init")
	reads("")
	tell("init", Problem{"no data partition", "Nothing is kept.\nUse a larger disk."}, Problem{What: "no watchdog"})
	tell("box", Problem{What: "no network card"})
	reads("* no network card\n* no data partition\n  Nothing is kept.\n  Use a larger disk.\n* no watchdog\n")
	tell("init")
	reads("* no network card\n")
}
