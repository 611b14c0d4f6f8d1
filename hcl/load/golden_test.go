package load

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is said now into testdata/*.txtar, to be read and committed")

// Each archive in testdata is an area of the language. NAME.hcl in it is a configuration, and NAME.want beside it is all
// that is said about it, as it is printed; without one, nothing is to be said.
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for _, f := range archive.Files {
				want[f.Name] = string(f.Data)
			}
			renewed := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				base, ok := strings.CutSuffix(f.Name, ".hcl")
				if !ok {
					continue
				}
				renewed.Files = append(renewed.Files, f)
				var said string
				t.Run(base, func(t *testing.T) {
					cfg, diags := Sources([]Source{{Name: f.Name, Text: f.Data}}, Options{Types: &fakeTypes{}, Hostname: "lb1"})
					said = diags.Text()
					if (cfg == nil) != diags.HasErrors() {
						t.Error("a configuration comes without errors, and errors without a configuration")
					}
					if diff := cmp.Diff(want[base+".want"], said); diff != "" && !*update {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
				if said != "" {
					renewed.Files = append(renewed.Files, txtar.File{Name: base + ".want", Data: []byte(said)})
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(renewed), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
