package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestMain(m *testing.M) {
	bePlugin()
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

// The configuration with one of everything is good with the types that are built in. Its plugin has the name of one of them,
// which is worth a warning.
func TestTheReferenceIsGood(t *testing.T) {
	_, said, err := core.Check(builtins(), []string{"../../hcl/load/testdata/reference.hcl"}, false)
	if err != nil || strings.Count(said, "Warning: ") != 1 || !strings.Contains(said, `check "redis" is built in`) {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestTheConfigurationsInREADMEAndGuidesAreGood(t *testing.T) {
	for _, page := range []string{"README.md", "docs/pair.md"} {
		all := examples(t, "../../"+page)
		if len(all) == 0 {
			t.Errorf("there is none in %s", page)
		}
		for _, text := range all {
			good(t, page, text)
		}
	}
}

func TestTheExamplesOfEachCheckAreGood(t *testing.T) {
	for _, p := range builtins() {
		i := p.Info()
		if i.Kind != sdk.KindCheck {
			continue
		}
		page := filepath.Join("../../plugins/check", i.Name, "README.md")
		all := examples(t, page)
		if len(all) == 0 {
			t.Errorf("%s has no example", page)
		}
		for _, text := range all {
			if strings.Contains(text, "# ...") {
				continue // not a whole one
			}
			if strings.HasPrefix(text, `check "`+i.Name+`" {`) { // one of a virtual server's
				text = `virtual_server "v" {
					address  = "192.0.2.1:80"
					protocol = "tcp"
					forward  = "nat"
					real_server "192.0.2.2:80" {}
					` + text + "}\n"
			}
			good(t, page, text)
		}
	}
}

func TestTheLanguageTakesEachBuiltInsSchema(t *testing.T) {
	for _, p := range builtins() {
		i := p.Info()
		block := fmt.Sprintf("%s %q {}\n", i.Kind, i.Name)
		switch i.Kind {
		case sdk.KindBalancer, sdk.KindVRRP:
			continue // blocks of the language itself
		case sdk.KindCheck:
			block = "virtual_server \"v\" {\n  address = \"192.0.2.1:80\"\n  real_server \"192.0.2.2:80\" {}\n" + block + "}\n"
		}
		path := filepath.Join(t.TempDir(), "one.hcl")
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		_, said, _ := core.Check(builtins(), []string{path}, false) // what the block misses does not matter here
		if strings.Contains(said, "can't be used") {
			t.Errorf("%s:\n%s", block, said)
		}
	}
}

// examples returns the configurations in a page.
func examples(t *testing.T, page string) (all []string) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(b), "```hcl\n")[1:] {
		text, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatalf("a block of %s has no end", page)
		}
		all = append(all, text)
	}
	return all
}

// good complains if a configuration is none.
func good(t *testing.T, page, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "example.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said, err := core.Check(builtins(), []string{path}, false); err != nil || said != "" {
		t.Errorf("%s:\n%s%s", page, text, said)
	}
}
