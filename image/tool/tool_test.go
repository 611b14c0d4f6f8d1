package tool_test

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/image/tool"
)

func TestFailureSaysWhatTheProgramSaid(t *testing.T) {
	_, err := tool.Runner{}.Run(t.Context(), "sh", "-c", "echo the disk is full >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v, want an error with the program's words and status", err)
	}
}

func TestProgramHasItsEnvironmentAndFolder(t *testing.T) {
	dir := t.TempDir()
	out, err := tool.Runner{Dir: dir, Env: []string{"SOURCE_DATE_EPOCH=7"}}.Run(t.Context(), "sh", "-c", "echo $SOURCE_DATE_EPOCH $TZ; pwd")
	if err != nil || out != "7 UTC\n"+dir+"\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	if _, err := (tool.Runner{}).Run(t.Context(), "no-such-program"); err == nil || !strings.Contains(err.Error(), "no-such-program is not installed") {
		t.Errorf("got %v", err)
	}
}

func TestLongTextKeepsItsEnd(t *testing.T) {
	if got := tool.Tail(strings.Repeat("x", 5000) + "end"); len(got) != 2003 || !strings.HasSuffix(got, "xend") {
		t.Errorf("got %d bytes that end with %q", len(got), got[len(got)-4:])
	}
}
