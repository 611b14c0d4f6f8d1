package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

var when = time.Date(2026, 11, 21, 5, 30, 0, 123456789, time.UTC)

func mustOpen(t testing.TB, dir string) *Journal {
	t.Helper()
	return mustOpenWith(t, dir, defaults)
}

func mustOpenWith(t testing.TB, dir string, l limits) *Journal {
	t.Helper()
	j, err := open(dir, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// reopen closes a journal in order and opens it again.
func reopen(t testing.TB, j *Journal) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return mustOpenWith(t, string(j.dir), j.limits)
}

func noProblems(t testing.TB, j *Journal) {
	t.Helper()
	if p := j.Problems(); len(p) > 0 {
		t.Errorf("problems: %v", p)
	}
}

func TestANewJournalIsEmptyAndCountsFromOne(t *testing.T) {
	j := mustOpen(t, filepath.Join(t.TempDir(), "var", "lib"))
	noProblems(t, j)
	if n := j.NextEvent(); n != 1 {
		t.Errorf("the first event will be %d", n)
	}
	if v := j.Verdicts(); len(v) > 0 {
		t.Errorf("verdicts: %v", v)
	}
	if _, _, ok := j.LastConfig(); ok {
		t.Error("there is a last configuration")
	}
	if e, err := j.Events(0, 10); err != nil || len(e) > 0 {
		t.Errorf("events: %v, %v", e, err)
	}
}

func TestTheLastGoodConfigurationComesBackByteForByte(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	old := map[string][]byte{"/etc/evenkeel/old.hcl": []byte("x")}
	sources := map[string][]byte{"/etc/evenkeel/a.hcl": []byte("a = \"\u00e9\"\n"), "b.hcl": {0, 0xff, '\n'}, "empty.hcl": {}}
	for _, s := range []map[string][]byte{old, sources} {
		if err := j.SaveConfig(s, when); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string][]byte{"/etc/evenkeel/a.hcl": []byte("a = \"\u00e9\"\n"), "b.hcl": {0, 0xff, '\n'}, "empty.hcl": {}}
	sources["b.hcl"][0] = 'x' // the journal has its own copy
	for range 2 {
		got, at, ok := j.LastConfig()
		if diff := cmp.Diff(want, got); diff != "" || !ok || !at.Equal(when) {
			t.Errorf("%v, of %v (-want +got):\n%s", ok, at, diff)
		}
		j = reopen(t, j)
	}
	noProblems(t, j)
}

func TestVerdictsComeBackAsTheyWereSavedLast(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	if err := j.SaveVerdicts(map[string]sdk.Verdict{"old": {TargetID: "old", State: sdk.StateUp}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]sdk.Verdict{
		"web/10.1.0.11:80/http": {TargetID: "web/10.1.0.11:80/http", State: sdk.StateDown, Reason: "HTTP 503 <b>", Since: when},
		"check.script.nginx":    {TargetID: "check.script.nginx", State: sdk.StateUp},
		"web/a/agent":           {TargetID: "web/a/agent", State: sdk.StateUp, Factor: sdk.FactorOf(33), Reason: "the agent says 33%"},
		"web/b/agent":           {TargetID: "web/b/agent", State: sdk.StateUp, Factor: sdk.FactorOf(0)},
	}
	if err := j.SaveVerdicts(want); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if diff := cmp.Diff(want, j.Verdicts()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		j = reopen(t, j)
	}
	noProblems(t, j)
}

// A plugin in any language sends what it likes.
func TestATimeThatJSONCannotExpressIsNone(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	far := time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := j.SaveVerdicts(map[string]sdk.Verdict{"a": {TargetID: "a", State: sdk.StateUp, Since: far}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]sdk.Event{{ID: 1, Time: far}}); err != nil {
		t.Fatal(err)
	}
	j = reopen(t, j)
	if v := j.Verdicts()["a"]; v.State != sdk.StateUp || !v.Since.IsZero() {
		t.Errorf("verdict %+v", v)
	}
	if e, err := j.Events(1, 1); err != nil || len(e) != 1 || !e[0].Time.IsZero() {
		t.Errorf("events %+v, %v", e, err)
	}
}

func TestASecondDaemonIsToldWhoHasTheDirectory(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir)
	_, err := Open(dir)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Fatalf("the second one got %v", err)
	}
	noProblems(t, reopen(t, j))
}

func TestFilesAreForTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	j := mustOpen(t, dir)
	fill(t, j)
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m := info.Mode().Perm(); m != 0o700 {
		t.Errorf("the directory has mode %04o", m)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
	want := []string{configFile, segmentName(1), lockFile, nextFile, verdictsFile}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the files (-want +got):\n%s", diff)
	}
}

func TestADirectoryThatEverybodyCanWriteIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if j, err := Open(dir); err == nil || !strings.Contains(err.Error(), "0700") {
		t.Errorf("got %v, %v", j, err)
	}
}

func TestAClosedJournalTakesNothing(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	for range 2 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := j.Events(1, 1)
	for _, err := range []error{err, j.Append([]sdk.Event{{ID: 1}}), j.SaveVerdicts(nil), j.SaveConfig(nil, when)} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}

// fill puts something into every file.
func fill(t testing.TB, j *Journal) {
	t.Helper()
	err := errors.Join(
		j.SaveConfig(map[string][]byte{"a.hcl": []byte("director {}\n")}, when),
		j.SaveVerdicts(map[string]sdk.Verdict{"a": {TargetID: "a", State: sdk.StateUp}}),
		j.Append(some(j.NextEvent(), 3)),
	)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAWriteThatFailsLeavesTheOldContent(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	fill(t, j)
	name := j.dir.path(verdictsFile)
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	j.dir = directory(filepath.Join(string(j.dir), "gone"))
	if err := j.SaveVerdicts(nil); err == nil {
		t.Fatal("a write into a directory that is not there succeeded")
	}
	after, err := os.ReadFile(name)
	if err != nil || string(after) != string(before) {
		t.Errorf("%s, %v", after, err)
	}
	if v := j.Verdicts(); len(v) != 1 {
		t.Errorf("verdicts %v", v)
	}
}

func TestEventsDoNotWaitForAStateFileThatIsBeingWritten(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	j.saves.Lock() // as while the disk takes its time
	defer j.saves.Unlock()
	if err := j.Append([]sdk.Event{{ID: 1}}); err != nil {
		t.Error(err)
	}
	if events, err := j.Events(1, 1); err != nil || len(events) != 1 {
		t.Errorf("%+v, %v", events, err)
	}
}
