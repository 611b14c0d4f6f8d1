package journal

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestWhatAnOperatorSaidSurvivesARestart(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	states := map[string]sdk.VRRPState{"VI_1": sdk.VRRPMaster}
	if err := j.SaveReleased([]string{"VI_1", "VI_2"}); err != nil {
		t.Fatal(err)
	}
	if err := j.SaveStates(states); err != nil {
		t.Fatal(err)
	}
	j = reopen(t, j)
	noProblems(t, j)
	if diff := cmp.Diff([]string{"VI_1", "VI_2"}, j.Released()); diff != "" {
		t.Errorf("released (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(states, j.States()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if err := j.SaveReleased(nil); err != nil {
		t.Fatal(err)
	}
	if j = reopen(t, j); len(j.Released()) != 0 {
		t.Errorf("what was taken back is there: %v", j.Released())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.SaveReleased([]string{"VI_1"}); err == nil {
		t.Error("a closed journal takes decisions")
	}
}

func TestATornDecisionIsMovedAsideAndSaidToBe(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"half of it":      func(b []byte) []byte { return b[:len(b)/2] },
		"nothing":         func([]byte) []byte { return nil },
		"another name":    func(b []byte) []byte { return bytes.Replace(b, []byte("VI_1"), []byte("VI_2"), 1) },
		"somebody else's": func([]byte) []byte { return []byte(`{"released":["VI_9"]}`) },
	} {
		t.Run(name, func(t *testing.T) {
			j := mustOpen(t, t.TempDir())
			if err := j.SaveReleased([]string{"VI_1"}); err != nil {
				t.Fatal(err)
			}
			spoil(t, j, decisionsFile, change)
			j = reopen(t, j)
			if p := j.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), "decisions.json.corrupt") {
				t.Errorf("problems: %v", p)
			}
			if len(j.Released()) != 0 {
				t.Errorf("released: %v", j.Released())
			}
		})
	}
}

func TestAWriteThatWasCutOffLeavesTheDecisionBefore(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	if err := j.SaveReleased([]string{"VI_1"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.dir.path(decisionsFile+".new"), []byte(`{"rel`), 0o600); err != nil {
		t.Fatal(err)
	}
	j = reopen(t, j)
	noProblems(t, j)
	if got := j.Released(); len(got) != 1 {
		t.Errorf("released: %v", got)
	}
	if err := j.SaveReleased([]string{"VI_1", "VI_2"}); err != nil {
		t.Error(err)
	}
}
