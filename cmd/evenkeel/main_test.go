package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"evenkeel": main})
}

func TestTheCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}

func TestEachBuiltInsREADMEHasEveryAttribute(t *testing.T) {
	for _, p := range builtins() {
		i := p.Info()
		dir := filepath.Join("../../plugins", string(i.Kind), i.Name)
		if i.Kind == sdk.KindBalancer || i.Kind == sdk.KindVRRP {
			dir = filepath.Join("../../plugins", i.Name)
		}
		b, err := os.ReadFile(filepath.Join(dir, "README.md"))
		if err != nil {
			t.Errorf("%s has no manual page: %v", i, err)
			continue
		}
		var has func(in string, s sdk.Schema)
		has = func(in string, s sdk.Schema) {
			for _, a := range s.Attributes {
				want := "`" + a.Name + "`"
				if in != "" {
					want = "`" + in + " { " + a.Name + " }`"
				}
				if !strings.Contains(string(b), want) {
					t.Errorf("%s/README.md does not have %s", dir, want)
				}
			}
			for _, b := range s.Blocks {
				has(b.Name, b.Schema)
			}
		}
		has("", i.Schema)
	}
}

func TestTheConfigurationsInREADMEAreGood(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, part := range strings.Split(string(b), "```hcl\n")[1:] {
		text, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatal("a block of README has no end")
		}
		n++
		path := filepath.Join(t.TempDir(), "readme.hcl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, said, err := core.Check(builtins(), []string{path}, false); err != nil || said != "" {
			t.Errorf("%s%s", text, said)
		}
	}
	if n == 0 {
		t.Error("there is none")
	}
}
