package archive

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newArchive has a clock that stands still, and finds an error in everything that has "bad" in it.
func newArchive(t *testing.T) *Archive {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	return &Archive{Dir: t.TempDir(), Now: func() time.Time { return now }, Check: func(dir string) error {
		files, err := readFiles(dir)
		if err != nil {
			return err
		}
		for name, text := range files {
			if bytes.Contains(text, []byte("bad")) {
				return fmt.Errorf("%s is bad", name)
			}
		}
		return nil
	}}
}

func one(text string) Files { return Files{"evenkeel.hcl": []byte(text)} }

func save(t *testing.T, a *Archive, text string) Version {
	t.Helper()
	v, err := a.Save(one(text), Note{Who: "test", Why: text})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inUse is what evenkeel would run.
func inUse(t *testing.T, a *Archive) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(a.Current(), "evenkeel.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatIsSavedIsInUseAndTheHistorySaysWhoAndWhen(t *testing.T) {
	a := newArchive(t)
	if _, err := a.InUse(); !errors.Is(err, ErrNone) {
		t.Errorf("an empty archive says %v", err)
	}
	save(t, a, "one")
	save(t, a, "two")
	if again := save(t, a, "two"); again.ID != 2 {
		t.Errorf("the same again is version %d, want 2 as before", again.ID)
	}
	if got := inUse(t, a); got != "two" {
		t.Errorf("in use is %q", got)
	}
	vs, err := a.List()
	if err != nil {
		t.Fatal(err)
	}
	want := []Version{
		{ID: 2, Time: a.now(), Note: Note{"test", "two"}, Hash: hashOf(one("two")), Current: true},
		{ID: 1, Time: a.now(), Note: Note{"test", "one"}, Hash: hashOf(one("one"))},
	}
	if diff := cmp.Diff(want, vs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if v, err := a.Rollback(1, "admin"); err != nil || v.ID != 3 || v.Why != "back to version 1" || inUse(t, a) != "one" {
		t.Errorf("rolled back to %+v, %v, in use %q", v, err, inUse(t, a))
	}
	if _, err := a.Rollback(7, "admin"); err == nil || err.Error() != "there is no version 7" {
		t.Errorf("a version that is not there: %v", err)
	}
}

func TestWhatIsWrongIsNotKept(t *testing.T) {
	a := newArchive(t)
	save(t, a, "good")
	many := Files{}
	for i := range MostFile + 1 {
		many[fmt.Sprintf("%d.hcl", i)] = nil
	}
	for name, files := range map[string]Files{
		"an error of the language": one("bad"),
		"no file":                  {},
		"too many files":           many,
		"too large a file":         {"evenkeel.hcl": make([]byte, MostSize+1)},
		"a path":                   {"../evenkeel.hcl": nil},
		"a hidden file":            {".evenkeel.hcl": nil},
		"another kind of file":     {"evenkeel.txt": nil},
	} {
		if v, err := a.Save(files, Note{}); err == nil {
			t.Errorf("%s: saved as %+v", name, v)
		}
	}
	if got := inUse(t, a); got != "good" {
		t.Errorf("in use is %q", got)
	}
	if vs, err := a.List(); len(vs) != 1 || err != nil {
		t.Errorf("the history is %+v, %v", vs, err)
	}
}

func TestWhatWasChangedByHandIsInTheHistoryToo(t *testing.T) {
	a := newArchive(t)
	save(t, a, "one")
	if err := os.WriteFile(filepath.Join(a.Current(), "evenkeel.hcl"), []byte("edited"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := a.InUse(); err != nil || !v.Changed {
		t.Errorf("in use is %+v, %v", v, err)
	}
	save(t, a, "two")
	files, err := a.Files(2)
	if vs, _ := a.List(); err != nil || len(vs) != 3 || vs[1].Who != "by hand" || string(files["evenkeel.hcl"]) != "edited" {
		t.Errorf("the history is %+v, its second version %q, %v", vs, files, err)
	}
}

func TestOnlyTheNewestVersionsAreKept(t *testing.T) {
	a := newArchive(t)
	for i := range Versions + 10 {
		save(t, a, fmt.Sprint(i))
	}
	vs, err := a.List()
	if err != nil || len(vs) != Versions || vs[0].ID != Versions+10 || vs[Versions-1].ID != 11 {
		t.Errorf("%d versions, %v", len(vs), err)
	}
}

func TestAChangeThatIsNotConfirmedIsUndone(t *testing.T) {
	a := newArchive(t)
	save(t, a, "one")
	if _, err := a.Try(one("two"), Note{Who: "test"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if tr, err := a.Trial(); err != nil || tr == nil || tr.Former != 1 || !tr.Until.Equal(a.now().Add(time.Minute)) {
		t.Errorf("the trial is %+v, %v", tr, err)
	}
	if got := inUse(t, a); got != "two" {
		t.Errorf("in use is %q", got)
	}
	if _, err := a.Try(one("three"), Note{}, time.Minute); err == nil {
		t.Error("a second change is tried while the first waits")
	}
	if v, undone, err := a.Undo("the clock"); err != nil || !undone || v.ID != 3 || inUse(t, a) != "one" {
		t.Errorf("undone: %v, %+v, %v; in use %q", undone, v, err, inUse(t, a))
	}
	if _, undone, err := a.Undo("the clock"); undone || err != nil {
		t.Errorf("a second time: %v, %v", undone, err)
	}
}

func TestAChangeThatIsConfirmedStays(t *testing.T) {
	a := newArchive(t)
	save(t, a, "one")
	if _, err := a.Try(one("two"), Note{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := a.Confirm(); err != nil {
		t.Fatal(err)
	}
	if _, undone, err := a.Undo("boot"); undone || err != nil || inUse(t, a) != "two" {
		t.Errorf("undone %v, %v; in use %q", undone, err, inUse(t, a))
	}
	if _, err := a.Try(one("bad"), Note{}, time.Minute); err == nil {
		t.Error("an error of the language is tried")
	}
	if tr, err := a.Trial(); tr != nil || err != nil {
		t.Errorf("a trial is left: %+v, %v", tr, err)
	}
}

// A power cut may leave anything half-done: after each of these the old configuration or the new one is in use, and the next
// change works.
func TestAfterAPowerCutTheOldOrTheNewConfigurationIsInUse(t *testing.T) {
	for name, cut := range map[string]func(a *Archive) error{
		"while a version is written": func(a *Archive) error {
			return os.MkdirAll(filepath.Join(a.Dir, versionsDir, "000002.new"), 0o700)
		},
		"while it is checked":           func(a *Archive) error { return os.Mkdir(filepath.Join(a.Dir, "check-1"), 0o700) },
		"between a version and its use": func(a *Archive) error { _, err := a.write(one("two"), Note{}); return err },
		"while the link is changed":     func(a *Archive) error { return os.Symlink("versions/000009", a.Current()+".new") },
		"while a trial is noted":        func(a *Archive) error { return os.WriteFile(filepath.Join(a.Dir, tryFile), []byte(`{"for`), 0o600) },
		"between a trial and its version": func(a *Archive) error {
			return os.WriteFile(filepath.Join(a.Dir, tryFile), []byte(`{"former":1}`), 0o600)
		},
		"a note that was not written at all": func(a *Archive) error { return os.WriteFile(filepath.Join(a.path(1), versionFile), nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			save(t, a, "one")
			if err := cut(a); err != nil {
				t.Fatal(err)
			}
			if _, _, err := a.Undo("boot"); err != nil {
				t.Errorf("the next start: %v", err)
			}
			if got := inUse(t, a); got != "one" {
				t.Errorf("in use is %q", got)
			}
			save(t, a, "three")
			if got := inUse(t, a); got != "three" {
				t.Errorf("in use is %q", got)
			}
			left, _ := filepath.Glob(filepath.Join(a.Dir, versionsDir, "*.new"))
			checks, _ := filepath.Glob(filepath.Join(a.Dir, "check-*"))
			if len(left)+len(checks) > 0 {
				t.Errorf("left behind: %v %v", left, checks)
			}
		})
	}
}

func TestALinkToAVersionThatIsGoneIsNoConfiguration(t *testing.T) {
	a := newArchive(t)
	save(t, a, "one")
	if err := os.RemoveAll(a.path(1)); err != nil {
		t.Fatal(err)
	}
	if v, err := a.InUse(); !errors.Is(err, ErrNone) {
		t.Errorf("in use is %+v, %v", v, err)
	}
	save(t, a, "two")
}

func TestAnExportIsImportedAsItWas(t *testing.T) {
	files := Files{"box.hcl": []byte("box"), "shared.hcl": []byte(strings.Repeat("shared\n", 1000))}
	var b bytes.Buffer
	if err := Export(&b, files, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	got, err := Import(bytes.NewReader(b.Bytes()))
	if diff := cmp.Diff(files, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for n := range b.Len() {
		if got, err := Import(bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for %d files", n, b.Len(), len(got))
		}
	}
}

func FuzzImport(f *testing.F) {
	var b bytes.Buffer
	if err := Export(&b, Files{"box.hcl": []byte("box")}, time.Unix(1, 0)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if files, err := Import(bytes.NewReader(b)); err == nil && bounded(files) != nil {
			t.Errorf("%v", bounded(files))
		}
	})
}
