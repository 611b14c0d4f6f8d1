package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

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
