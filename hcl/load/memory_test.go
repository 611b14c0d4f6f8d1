package load

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// plainServer writes one virtual_server block with a plain body.
func plainServer(name, address, inside string) string {
	return fmt.Sprintf("virtual_server %q {\n  address  = %q\n  protocol = \"tcp\"\n  forward  = \"nat\"\n%s}\n", name, address, inside)
}

// serversOf loads one file and returns its virtual servers by name.
func serversOf(t *testing.T, m *Memory, text string) (map[string]*config.VirtualServer, *Diagnostics) {
	t.Helper()
	cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{Types: &fakeTypes{}, Memory: m})
	if cfg == nil {
		t.Fatal(diags.Text())
	}
	servers := map[string]*config.VirtualServer{}
	for _, v := range cfg.VirtualServers {
		servers[v.Name] = v
	}
	return servers, diags
}

func TestAVirtualServerWhoseTextIsTheSameIsTheSame(t *testing.T) {
	real := "  real_server \"192.0.2.11:80\" {\n    weight = 1\n  }\n"
	a, b, c := plainServer("a", "192.0.2.1:80", real), plainServer("b", "192.0.2.2:80", real), plainServer("c", "192.0.2.3:80", real)
	heavier := func(s string) string { return strings.Replace(s, "weight = 1", "weight = 1000", 1) }
	lower := "# a line more\n"
	for name, test := range map[string]struct {
		text string
		same string // the names of those that must be the same; the others must not
	}{
		"nothing changed":          {a + b + c, "abc"},
		"a longer weight in one":   {a + heavier(b) + c, "ac"},
		"a line more before it":    {a + lower + b + c, "a"},
		"a line more at the end":   {a + b + c + lower, "abc"},
		"one left out":             {a + b, "ab"},
		"one left out before":      {b + c, ""},
		"two exchanged":            {b + a + c, "c"},
		"a block more at the end":  {a + b + c + "ipvs {\n  sync {\n    interface = \"eth0\"\n  }\n}\n", "abc"},
		"a plugin of another type": {a + b + c + "plugin \"check\" \"redis\" {\n  path = \"/x\"\n  sha256 = \"" + strings.Repeat("0", 64) + "\"\n}\n", "abc"},
		"a comment inside":         {a + b + strings.Replace(c, "weight = 1", "weight = 1 # one", 1), "ab"},
		"another name":             {a + b + strings.Replace(c, `"c"`, `"d"`, 1), "ab"},
		"lines that end otherwise": {strings.ReplaceAll(a+b+c, "\n", "\r\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Memory{}
			before, _ := serversOf(t, m, a+b+c)
			after, _ := serversOf(t, m, test.text)
			for name, v := range after {
				if want := strings.Contains(test.same, name); (v == before[name]) != want {
					t.Errorf("%s is the same: %v, want %v", name, !want, want)
				}
			}
			again, _ := serversOf(t, m, test.text)
			if name != "lines that end otherwise" && !cmp.Equal(after, again, cmp.Comparer(func(x, y *config.VirtualServer) bool { return x == y })) {
				t.Error("read a third time, they are others")
			}
		})
	}
}

func TestAFileOfAnotherNameIsNotRemembered(t *testing.T) {
	m := &Memory{}
	text := []byte(plainServer("a", "192.0.2.1:80", ""))
	o := Options{Types: &fakeTypes{}, Memory: m}
	first, _ := Sources([]Source{{Name: "x.hcl", Text: text}}, o)
	second, _ := Sources([]Source{{Name: "y.hcl", Text: text}}, o)
	if first.VirtualServers[0] == second.VirtualServers[0] || second.VirtualServers[0].Position.File != "y.hcl" {
		t.Errorf("the virtual server is at %s", second.VirtualServers[0].Position)
	}
}

func TestBlocksThatDependOnOthersAreDecodedEveryTime(t *testing.T) {
	tunnelled := "  real_server \"[2001:db8::1]:80\" {\n    forward = \"tun\"\n  }\n"
	for name, text := range map[string]string{
		"reference":    "locals {\n  a = \"192.0.2.1:80\"\n}\n" + strings.Replace(plainServer("a", "X", ""), `"X"`, "local.a", 1),
		"function":     strings.Replace(plainServer("a", "X", ""), `"X"`, `lower("192.0.2.1:80")`, 1),
		"match":        "virtual_server \"a\" {\n  match {\n    address = \"192.0.2.1\"\n    protocol = \"tcp\"\n  }\n}\n",
		"two families": plainServer("a", "192.0.2.1:80", tunnelled),
		"dynamic":      plainServer("a", "192.0.2.1:80", "  dynamic \"real_server\" {\n    for_each = []\n    labels = [real_server.value]\n    content {}\n  }\n"),
		"plugin's type": "plugin \"check\" \"redis\" {\n  path = \"/x\"\n  sha256 = \"" + strings.Repeat("0", 64) + "\"\n}\n" +
			plainServer("a", "192.0.2.1:80", "  check \"redis\" {\n  }\n"),
	} {
		t.Run(name, func(t *testing.T) {
			m := &Memory{}
			first, _ := serversOf(t, m, text)
			second, _ := serversOf(t, m, text+"# something else\n")
			if first["a"] == second["a"] {
				t.Error("it was remembered")
			}
			if diff := cmp.Diff(first, second, exactly); diff != "" {
				t.Errorf("and it is another one:\n%s", diff)
			}
		})
	}
}

func TestWarningsOfARememberedBlockComeAgainWhereItIsNow(t *testing.T) {
	slow := plainServer("b", "192.0.2.2:80", "  check \"tcp\" {\n    interval = \"1s\"\n    timeout  = \"2s\"\n  }\n")
	m := &Memory{}
	before, first := serversOf(t, m, plainServer("a", "192.0.2.1:80", "")+slow)
	text := plainServer("a", "192.0.2.100:8080", "") + slow // more bytes before it, but no more lines
	for range 3 {
		after, diags := serversOf(t, m, text)
		_, want := serversOf(t, nil, text)
		if after["b"] != before["b"] || len(first.Warnings()) != 1 || diags.Text() != want.Text() {
			t.Fatalf("the same: %v, printed:\n%s\nwant\n%s", after["b"] == before["b"], diags.Text(), want.Text())
		}
	}
}

func TestParseTreesAreNotKept(t *testing.T) {
	source := pool(100, 10, checksOf["one check"])
	m := &Memory{}
	o := Options{Types: &fakeTypes{}, Memory: m}
	l := loadPieces([]Source{source}, o, newAnswers(o.Types))
	if len(m.blocks) != 100 {
		t.Errorf("%d virtual servers are remembered, want 100", len(m.blocks))
	}
	for name, r := range m.blocks {
		if s := r.service; s.block.Type != "" || s.body.Blocks != nil || s.checks != nil {
			t.Errorf("the memory holds the tree of %s", name)
		}
	}
	if n := len(l.trees.blocks.all); n > 12 {
		t.Errorf("loading made %d blocks at a time, want those of one virtual server, 12", n)
	}
}

func TestAfterABadLoadTheMemoryIsWhatItWas(t *testing.T) {
	a, b := plainServer("a", "192.0.2.1:80", ""), plainServer("b", "192.0.2.2:80", "")
	m := &Memory{}
	before, _ := serversOf(t, m, a+b)
	for _, bad := range []string{a + strings.Replace(b, "tcp", "tpc", 1), a + b + "}", a + a, a + plainServer("b", "192.0.2.1:80", "")} {
		if cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(bad)}}, Options{Memory: m}); cfg != nil || !diags.HasErrors() {
			t.Fatalf("loaded:\n%s", bad)
		}
	}
	if after, _ := serversOf(t, m, a+b); after["a"] != before["a"] || after["b"] != before["b"] {
		t.Error("it has forgotten")
	}
}

// A file with an error is read twice, in pieces and as a whole, and a plugin need not be started twice for that.
func TestTypesAreAskedOnceForEachLoadWhateverIsWrong(t *testing.T) {
	types := &fakeTypes{}
	text := plainServer("a", "192.0.2.1:80", "  check \"http\" {\n    path = \"x\"\n  }\n")
	if cfg, _ := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{Types: types}); cfg != nil {
		t.Fatal("loaded")
	}
	if types.schemas["check http"] != 1 || len(types.validated) != 1 {
		t.Errorf("asked for the schema %d times, for values %d times", types.schemas["check http"], len(types.validated))
	}
}
