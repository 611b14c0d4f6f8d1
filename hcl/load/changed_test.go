package load

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// three virtual servers, and blocks that know of others.
func three() string {
	real := "  real_server \"10.0.0.1:80\" {\n    weight = 1\n  }\n  real_server \"10.0.0.2:80\" {\n    weight = 1\n  }\n"
	text := "director {\n  name = \"lb\"\n}\n\n"
	for i, name := range []string{"a", "b", "c"} {
		text += plainServer(name, fmt.Sprintf("192.0.2.%d:80", i+1), real) + "\n"
	}
	return text + "virtual_server \"m\" {\n  match {\n    address  = \"192.0.2.9\"\n    protocol = \"tcp\"\n  }\n  forward = \"dr\"\n}\n\n" +
		"check \"script\" \"disk\" {\n  command = [\"/bin/true\"]\n}\n\n" +
		"provision \"ssh\" \"p\" {\n  virtual_servers  = [virtual_server.c]\n  private_key_file = \"/data/key\"\n}\n"
}

// nth replaces the n-th occurrence of a text.
func nth(text string, n int, old, now string) string {
	at := 0
	for range n {
		at += strings.Index(text[at:], old) + len(old)
	}
	return text[:at-len(old)] + now + text[at:]
}

func TestOnlyTheInsidesOfVirtualServersAreReadAlone(t *testing.T) {
	base := three()
	for name, test := range map[string]struct {
		text  string
		alone bool
	}{
		"nothing":                        {base, true},
		"a weight":                       {nth(base, 1, "weight = 1", "weight = 7"), true},
		"a weight of more digits":        {nth(base, 3, "weight = 1", "weight = 1000"), true},
		"a weight less":                  {nth(base, 4, "weight = 1", ""), true},
		"two blocks":                     {nth(nth(base, 1, "weight = 1", "weight = 70"), 3, "weight = 1", "weight = 8"), true},
		"another real server":            {nth(base, 1, "10.0.0.2:80", "10.0.0.33:80"), true},
		"a comment on a line":            {nth(base, 2, "weight = 1", "weight = 1 # one"), true},
		"a setting of the service":       {nth(base, 2, "forward  = \"nat\"", "forward  = \"dr\""), true},
		"a block between moved by bytes": {strings.Replace(base, "\n\nvirtual_server \"b\"", "\n \nvirtual_server \"b\"", 1), true},

		"a line more":                       {nth(base, 1, "weight = 1\n", "weight = 1\n\n"), false},
		"a line moved to the next block":    {strings.Replace(base, "    weight = 1\n  }\n}\n\nvirtual_server \"b\"", "  }\n}\n\n\nvirtual_server \"b\"", 1), false},
		"another name":                      {strings.Replace(base, "\"b\"", "\"d\"", 1), false},
		"names exchanged":                   {strings.NewReplacer("\"a\"", "\"b\"", "\"b\"", "\"a\"").Replace(base), false},
		"another address":                   {strings.Replace(base, "192.0.2.1:80", "192.0.2.4:80", 1), false},
		"the address of another":            {strings.Replace(base, "192.0.2.1:80", "192.0.2.2:80", 1), false},
		"another protocol":                  {nth(base, 1, "\"tcp\"", "\"udp\""), false},
		"a wrong weight":                    {nth(base, 1, "weight = 1", "weight = x"), false},
		"a weight out of range":             {nth(base, 1, "weight = 1", "weight = 99999999999"), false},
		"something to warn of":              {nth(base, 1, "weight = 1\n  }", "weight = 1\n check \"http\" { timeout = \"9s\" }}"), false},
		"a function":                        {nth(base, 1, "weight = 1", "weight = max(1, 2)"), false},
		"a long comment begins":             {nth(base, 1, "weight = 1", "/* = 1"), false},
		"a server of the other family":      {nth(nth(base, 1, "10.0.0.2:80", "[2001:db8::1]:80"), 1, "\"nat\"", "\"tun\""), false},
		"the block ends early":              {nth(base, 1, "  }\n}\n", "}}\n\n"), false},
		"one that a provision block is for": {nth(base, 5, "weight = 1", "weight = 2"), false},
		"one with a match":                  {strings.Replace(base, "\"dr\"", "\"nat\"", 1), false},
		"another block":                     {strings.Replace(base, "\"lb\"", "\"lc\"", 1), false},
		"a block at the end":                {base + "notify \"script\" \"n\" {\n  on = [\"quorum\"]\n  command = [\"/bin/true\"]\n}\n", false},
		"a block less":                      {base[:strings.Index(base, "provision")], false},
		"nothing left":                      {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Memory{}
			sameLoad(t, m, []Source{{Name: "x.hcl", Text: []byte(base)}})
			o := Options{Types: &fakeTypes{}, Hostname: "lb1", Memory: m}
			sources := []Source{{Name: "x.hcl", Text: []byte(test.text)}}
			cfg := loadChanged(sources, o, newAnswers(o.Types))
			if (cfg != nil) != test.alone {
				t.Errorf("read alone: %v, want %v", cfg != nil, test.alone)
			}
			if cfg != nil {
				whole, _ := Sources(sources, Options{Types: &fakeTypes{}, Hostname: "lb1"})
				if d := difference(whole, cfg); d != "" {
					t.Errorf("it is another configuration (-whole +changed):\n%s", d)
				}
			}
			sameLoad(t, m, sources)                                       // a second time
			sameLoad(t, m, []Source{{Name: "x.hcl", Text: []byte(base)}}) // and back
		})
	}
}

// fickleTypes find fault with the blocks of a kind when they are told to.
type fickleTypes struct {
	fakeTypes
	wrong string
}

func (f *fickleTypes) Validate(kind, name string, p *config.Plugin, values json.RawMessage) []schema.Problem {
	if kind == f.wrong {
		return []schema.Problem{{Detail: "The file that it names is gone."}}
	}
	return nil
}

func TestFilesAreReadIntoTheMemoryOfThoseBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.hcl")
	base := three()
	m := &Memory{}
	o := Options{Types: &fakeTypes{}, Hostname: "lb1", Memory: m}
	load := func(text string, good bool) *byte {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, diags := Load([]string{path}, o)
		if (cfg != nil) != good {
			t.Fatalf("good: %v, want %v:\n%s", cfg != nil, good, diags.Text())
		}
		want, wantDiags := Load([]string{path}, Options{Types: &fakeTypes{}, Hostname: "lb1"})
		if cfg != nil {
			if d := difference(want, cfg); d != "" {
				t.Fatalf("another configuration (-without +with):\n%s", d)
			}
		}
		if diags.Text() != wantDiags.Text() {
			t.Errorf("said:\n%s\nwant\n%s", diags.Text(), wantDiags.Text())
		}
		read := diags.Sources()[0].Text
		if string(read) != text {
			t.Errorf("the text is\n%s", read)
		}
		if good && &m.files[0].Text[0] != &read[0] {
			t.Error("the memory has another text")
		}
		return &read[0]
	}
	first := load(base, true)
	m.Prepare()
	second := load(nth(base, 1, "weight = 1", "weight = 70"), true)
	if first == second {
		t.Error("a file was read over the text that it is compared with")
	}
	if third := load(nth(base, 1, "weight = 1", "weight = 8"), true); third != first {
		t.Error("the memory of the first text was not used again")
	}
	for range 2 { // of a wrong one the text is not kept
		if wrong := load(nth(base, 1, "weight = 1", "weight = -"), false); wrong != second {
			t.Error("a wrong text has memory of its own")
		}
	}
	load(nth(base, 2, "weight = 1", "weight = 9"), true)
	load(strings.Repeat("# much longer\n", 1000)+base, true)
	load(nth(base, 2, "weight = 1", "weight = 9"), true)
}

func TestBlocksThatAreDecodedEveryTimeAreValidatedEveryTime(t *testing.T) {
	for _, kind := range []string{"check", "notify", "provision"} {
		types := &fickleTypes{}
		text := three() + "notify \"script\" \"n\" {\n  on = [\"quorum\"]\n  command = [\"/bin/true\"]\n}\n"
		m := &Memory{}
		o := Options{Types: types, Memory: m}
		if cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, o); cfg == nil {
			t.Fatal(diags.Text())
		}
		types.wrong = kind
		text = nth(text, 1, "weight = 1", "weight = 2")
		if cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, o); cfg != nil || !strings.Contains(diags.Text(), "is gone") {
			t.Errorf("%s: said %q, want that something is gone", kind, diags.Text())
		}
		types.wrong = ""
		if cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, o); cfg == nil {
			t.Errorf("%s: %s", kind, diags.Text())
		}
	}
}
