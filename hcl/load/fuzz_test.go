package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Whatever a file holds, loading it ends in a configuration or in errors, each of which has a place in the file, and can
// be printed.
func FuzzLoad(f *testing.F) {
	reference, err := os.ReadFile("testdata/reference.hcl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(reference))
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, ".hcl") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if expensive(text) {
			return
		}
		cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{Types: &fakeTypes{}, Hostname: "lb1"})
		if (cfg == nil) != diags.HasErrors() {
			t.Fatalf("configuration: %v, errors: %v", cfg != nil, diags.HasErrors())
		}
		for _, d := range diags.All() {
			if d.Subject == nil || d.Subject.Filename != "x.hcl" || d.Subject.Start.Line < 1 || d.Summary == "" {
				t.Fatalf("a diagnostic without a place or a text: %#v", d)
			}
		}
		if diags.HasErrors() != (strings.Contains(diags.Text(), "Error: ")) {
			t.Fatalf("printed:\n%s", diags.Text())
		}
		if cfg == nil {
			return
		}
		for _, v := range cfg.VirtualServers {
			if v.Service.Mark == 0 && (!v.Service.Address.IsValid() || v.Service.Protocol == "") || v.Quorum < 1 || v.Hysteresis >= v.Quorum {
				t.Fatalf("a virtual server that can't be: %+v", v)
			}
			for _, rs := range v.RealServers {
				if !rs.Address.IsValid() || rs.Forward == "" {
					t.Fatalf("a real server that can't be: %+v", rs)
				}
				for _, c := range rs.Checks {
					if c.Interval <= 0 || c.Timeout <= 0 || c.Fall < 1 || c.Rise < 1 || c.Config == nil {
						t.Fatalf("a check that can't be: %+v", c)
					}
				}
			}
		}
		for _, v := range cfg.VRRPInstances {
			if v.Interface == "" || v.VirtualRouterID == 0 || v.Priority == 0 || len(v.Addresses) == 0 {
				t.Fatalf("a virtual router that can't be: %+v", v)
			}
		}
	})
}

// expensive says whether a text asks HCL itself for work without end, which an operator may do with a machine of theirs: to
// write out numbers with huge exponents, or strings of any width, and to nest expressions deeper than a stack is.
func expensive(text string) bool {
	return strings.ContainsAny(text, "eE") && strings.ContainsAny(text, "0123456789") && hugeNumber(text) ||
		strings.Contains(text, "%") || strings.Count(text, "(")+strings.Count(text, "[")+strings.Count(text, "{") > 200
}

func hugeNumber(text string) bool {
	digits := 0
	for i := range len(text) {
		if !isDigit(text[i]) {
			digits = 0
			continue
		}
		if digits++; digits > 3 && exponentBefore(text[:i+1-digits]) {
			return true
		}
	}
	return false
}

func exponentBefore(s string) bool {
	s = strings.TrimRight(s, "+-")
	return strings.HasSuffix(s, "e") || strings.HasSuffix(s, "E")
}
