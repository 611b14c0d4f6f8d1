package wizard

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files")

// story reads a file of testdata: a machine, answers, and what they make.
func story(t *testing.T, path string) (a *txtar.Archive, m Machine, script *Script) {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		switch f.Name {
		case "machine":
			m.Box = true
			for line := range strings.Lines(string(f.Data)) {
				name, mac, _ := strings.Cut(strings.TrimSpace(line), " ")
				m.Cards = append(m.Cards, Card{Name: name, MAC: mac, Driver: "virtio_net", Link: true})
			}
		case "answers":
			if script, err = ParseScript(path, string(f.Data)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return a, m, script
}

func TestAnswersMakeTheConfigurationThatAPersonWouldHaveWritten(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			a, m, script := story(t, path)
			s := NewSession(m)
			if err := Run(t.Context(), s, script, nil); err != nil {
				t.Fatal(err)
			}
			if unused := script.Unused(s.Answers()); unused != nil {
				t.Error(unused)
			}
			files, err := s.Files()
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				if f.Name == "machine" || f.Name == "answers" {
					got.Files = append(got.Files, f)
				}
			}
			got.Files = append(got.Files, txtar.File{Name: BoxFile, Data: files.Box})
			if files.Shared != nil {
				got.Files = append(got.Files, txtar.File{Name: SharedFile, Data: files.Shared})
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(txtar.Format(a)), string(txtar.Format(got))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if bytes.Contains(files.Joined(), []byte("correct horse")) {
				t.Error("the password is in the configuration")
			}
		})
	}
}

func TestBothOfAPairHaveTheSameSharedPart(t *testing.T) {
	var shared [2]string
	for i, path := range []string{"testdata/pair-first.txtar", "testdata/pair-second.txtar"} {
		_, m, script := story(t, path)
		s := NewSession(m)
		if err := Run(t.Context(), s, script, nil); err != nil {
			t.Fatal(err)
		}
		files, err := s.Files()
		if err != nil {
			t.Fatal(err)
		}
		shared[i] = string(files.Shared)
	}
	if d := cmp.Diff(shared[0], shared[1]); d != "" {
		t.Errorf("(-first +second):\n%s", d)
	}
}
