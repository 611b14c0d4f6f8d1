package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestACorruptFileIsMovedAsideAndSaidToBe(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		change     func([]byte) []byte
	}{
		{"no JSON", configFile, func([]byte) []byte { return []byte("director {") }},
		{"empty", configFile, func([]byte) []byte { return nil }},
		{"another content", configFile, func(b []byte) []byte { return bytes.Replace(b, []byte("ZGly"), []byte("ZGlz"), 1) }},
		{"no JSON", verdictsFile, func(b []byte) []byte { return b[:len(b)/2] }},
		{"zeros", verdictsFile, func([]byte) []byte { return make([]byte, 100) }},
		{"no JSON", nextFile, func([]byte) []byte { return []byte("101") }},
		{"garbage within", segmentName(1), func(b []byte) []byte { return append([]byte("garbage\n"), b...) }},
		{"an event twice", segmentName(1), func(b []byte) []byte { return append(b, b...) }},
	} {
		t.Run(tt.file+"/"+tt.name, func(t *testing.T) {
			j := mustOpen(t, t.TempDir())
			fill(t, j)
			var spoilt []byte
			spoil(t, j, tt.file, func(b []byte) []byte { spoilt = tt.change(b); return spoilt })
			j = reopen(t, j)
			p := j.Problems()
			if len(p) != 1 || !strings.Contains(p[0].Error(), tt.file+".corrupt") {
				t.Fatalf("problems: %v", p)
			}
			aside, err := os.ReadFile(j.dir.path(tt.file + ".corrupt"))
			if err != nil || !bytes.Equal(aside, spoilt) {
				t.Errorf("what was moved aside: %q, %v", aside, err)
			}
			if _, _, ok := j.LastConfig(); ok != (tt.file != configFile) {
				t.Errorf("last configuration: %v", ok)
			}
			if n := len(j.Verdicts()); (n == 1) != (tt.file != verdictsFile) {
				t.Errorf("%d verdicts", n)
			}
			expectEvents(t, j, 1, 100, some(1, 3))
			if n := j.NextEvent(); n < 4 {
				t.Errorf("the next event will be %d", n)
			}
			fill(t, j)
			noProblems(t, reopen(t, j))
		})
	}
}

func TestWhatIsNoFileAndWhatIsTooLargeIsMovedAside(t *testing.T) {
	l := defaults
	l.fileBytes, l.segmentBytes = 10_000, 10_000
	dir := t.TempDir()
	j := mustOpenWith(t, dir, l)
	fill(t, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(
		os.Remove(filepath.Join(dir, verdictsFile)),
		os.MkdirAll(filepath.Join(dir, verdictsFile, "within"), 0o700),
		os.WriteFile(filepath.Join(dir, configFile), bytes.Repeat([]byte(" "), 10_001), 0o600),
		os.WriteFile(filepath.Join(dir, segmentName(1)), bytes.Repeat([]byte("\n"), 20_001), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	j = mustOpenWith(t, dir, l)
	if p := j.Problems(); len(p) != 3 {
		t.Errorf("problems: %v", p)
	}
	if n := j.NextEvent(); n < 4 {
		t.Errorf("the next event will be %d", n)
	}
	fill(t, j)
	noProblems(t, reopen(t, j))
}

func FuzzWhateverIsInTheFilesTheJournalWorks(f *testing.F) {
	j := mustOpen(f, f.TempDir())
	fill(f, j)
	read := func(name string) []byte {
		b, err := os.ReadFile(j.dir.path(name))
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	f.Add(read(configFile), read(verdictsFile), read(nextFile), read(segmentName(1)), read(segmentName(1)))
	f.Add([]byte(`{}`), []byte(`{"next_event":18446744073709551615,"verdicts":{"a":{"state":"sideways"}}}`), []byte(`{"bound":18446744073709551615}`),
		[]byte("{\"id\":18446744073709551615}\n{\"id\":2}\n\n{}"), []byte("null\n[]\n{\"id\":7}\n{\"id\":6}\n{\"id\":"))
	f.Fuzz(func(t *testing.T, config, verdicts, next, events1, events2 []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{configFile: config, verdictsFile: verdicts, nextFile: next, segmentName(1): events1, segmentName(5): events2} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		j := mustOpen(t, dir)
		before, err := j.Events(0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		_, _, had := j.LastConfig()
		held := len(j.Verdicts())
		id := j.NextEvent()
		for _, e := range before {
			if e.ID >= id {
				t.Fatalf("event %d is there and the next one is %d", e.ID, id)
			}
		}
		mustAppend(t, j, some(id, 3))

		j = reopen(t, j)
		noProblems(t, j)
		if _, _, has := j.LastConfig(); has != had || len(j.Verdicts()) != held {
			t.Errorf("after another start: configuration %v, was %v; %d verdicts, were %d", has, had, len(j.Verdicts()), held)
		}
		expectEvents(t, j, id, 100, some(id, 3))
	})
}

func BenchmarkSaveVerdictsOf10000Targets(b *testing.B) {
	j := mustOpen(b, b.TempDir())
	verdicts := make(map[string]sdk.Verdict)
	for _, e := range some(1, 10_000) {
		id := e.Subject + "/" + e.Time.String()
		verdicts[id] = sdk.Verdict{TargetID: id, State: sdk.StateUp, Since: when}
	}
	for b.Loop() {
		if err := j.SaveVerdicts(verdicts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendOfOneEvent(b *testing.B) {
	j := mustOpen(b, b.TempDir())
	for b.Loop() {
		mustAppend(b, j, some(j.NextEvent(), 1))
	}
}
