package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
			second, _ := serversOf(t, m, text)
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

var exactly = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})}

// sameLoad loads with a memory and without, and reports any difference.
func sameLoad(t *testing.T, m *Memory, sources []Source) *config.Config {
	t.Helper()
	o := Options{Types: &fakeTypes{}, Hostname: "lb1"}
	want, wantDiags := Sources(sources, o)
	whole := loadedWhole(sources, o)
	o.Types, o.Memory = &fakeTypes{}, m
	got, gotDiags := Sources(sources, o)
	if diff := difference(want, got); diff != "" {
		t.Fatalf("with a memory it is another configuration (-without +with):\n%s", diff)
	}
	if diff := cmp.Diff(wantDiags.Text(), gotDiags.Text()); diff != "" {
		t.Fatalf("with a memory something else is said (-without +with):\n%s", diff)
	}
	if diff := difference(whole.cfg, got); diff != "" {
		t.Fatalf("in pieces it is another configuration (-whole +pieces):\n%s", diff)
	}
	if diff := cmp.Diff(whole.diags, gotDiags.Text()); diff != "" {
		t.Fatalf("in pieces something else is said (-whole +pieces):\n%s", diff)
	}
	return got
}

// difference is cmp.Diff's, which takes long to find none.
func difference(want, got *config.Config) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got, exactly)
}

type result struct {
	cfg   *config.Config
	diags string
}

// loadedWhole loads without looking at pieces.
func loadedWhole(sources []Source, o Options) result {
	d := &Diagnostics{sources: sources}
	l := loadWhole(sources, o, newAnswers(o.Types), d)
	if l != nil {
		d.add(l.r.Diags...)
	}
	d.finish()
	if d.HasErrors() {
		return result{nil, d.Text()}
	}
	return result{l.cfg, d.Text()}
}

// blocks of a configuration in which about everything depends on everything.
func variedBlocks() []string {
	blocks := []string{
		"locals {\n  weight = 2\n  port   = 8080\n}\n",
		"ipvs {\n  timeouts {\n    tcp = \"900s\"\n  }\n}\n",
		"plugin \"check\" \"redis\" {\n  path   = \"/data/redis\"\n  sha256 = \"" + strings.Repeat("ab", 32) + "\"\n}\n",
		"check \"script\" \"disk\" {\n  command = [\"/bin/true\"]\n}\n",
		"notify \"script\" \"n\" {\n  on      = [\"quorum\"]\n  only    = [virtual_server.vs01, check.script.disk]\n  command = [\"/bin/true\"]\n}\n",
		"provision \"ssh\" \"p\" {\n  virtual_servers  = [virtual_server.vs02]\n  private_key_file = \"/data/key\"\n}\n",
		"# only a comment\n\n",
	}
	for i := range 24 {
		name, address := fmt.Sprintf("vs%02d", i), fmt.Sprintf("192.0.2.%d:80", i+1)
		real := fmt.Sprintf("\n  real_server \"10.0.%d.1:80\" {\n    weight = %d\n  }\n\n  real_server \"10.0.%d.2:80\" {\n    weight = 3 # kept\n  }\n", i, 1+i%3, i)
		switch i % 8 {
		case 1:
			real += "  check \"http\" {\n    interval = \"6s\"\n    timeout  = \"3s\"\n    path     = \"/health\"\n  }\n"
		case 2:
			real += "  quorum = 3\n  check \"tcp\" {\n    interval = \"1s\"\n    timeout  = \"2s\"\n  }\n"
		case 3:
			real = strings.Replace(real, "weight = 3", "weight = local.weight", 1)
		case 4:
			real += "  check \"redis\" {\n  }\n"
		case 5:
			blocks = append(blocks, fmt.Sprintf("virtual_server %q {\n  match {\n    address  = \"198.51.100.%d\"\n    protocol = \"tcp\"\n    ports    = [\"80-90\"]\n  }\n  forward = \"dr\"\n  real_server \"10.1.0.1\" {\n  }\n}\n", name, i))
			continue
		case 6:
			blocks = append(blocks, fmt.Sprintf("virtual_server %q {\n  fwmark  = %d\n  forward = \"tun\"\n  real_server \"10.1.0.1\" {\n  }\n}\n", name, i))
			continue
		case 7:
			real += "  real_server \"[2001:db8::1]:80\" {\n    forward = \"tun\"\n  }\n"
		}
		blocks = append(blocks, "# "+name+"\n"+plainServer(name, address, real))
	}
	return blocks
}

// edits change blocks at random as people do, and as they make mistakes.
var edits = map[string]func(r *rand.Rand, blocks []string) []string{
	"nothing":          func(_ *rand.Rand, b []string) []string { return b },
	"weight":           inOne("weight = ", func(r *rand.Rand) string { return fmt.Sprintf("weight = %d", r.IntN(3)) }),
	"longer weight":    inOne("weight = ", func(r *rand.Rand) string { return fmt.Sprintf("weight = %d", r.IntN(3000)) }),
	"wrong weight":     inOne("weight = ", func(*rand.Rand) string { return "weight = -" }),
	"misspelt":         inOne("weight", func(*rand.Rand) string { return "wieght" }),
	"same address":     inOne("192.0.2.", func(*rand.Rand) string { return "192.0.2.1" }),
	"match shadows":    inOne("198.51.100.", func(*rand.Rand) string { return "192.0.2." }),
	"quote missing":    inOne("\"", func(*rand.Rand) string { return "" }),
	"brace missing":    inOne("}\n", func(*rand.Rand) string { return "\n" }),
	"brace too much":   inOne("\n", func(*rand.Rand) string { return "\n}\n" }),
	"line":             inOne("\n", func(*rand.Rand) string { return "\n\n" }),
	"comment":          inOne("\n", func(*rand.Rand) string { return " # why\n" }),
	"long comment":     inOne("\n", func(*rand.Rand) string { return " /* why\n}\n*/\n" }),
	"comment at head":  inOne("#", func(*rand.Rand) string { return "# virtual_server \"x\" {\n#" }),
	"timeout":          inOne("timeout  = ", func(*rand.Rand) string { return "timeout  = \"9s\" #" }),
	"type":             inOne("\"redis\"", func(*rand.Rand) string { return "\"http\"" }),
	"another's type":   inOne("check \"http\"", func(*rand.Rand) string { return "check \"redis\"" }),
	"name":             inOne("vs0", func(*rand.Rand) string { return "vs1" }),
	"label more":       inOne("\" {", func(*rand.Rand) string { return "\" \"two\" {" }),
	"local":            inOne("weight = 2", func(r *rand.Rand) string { return fmt.Sprintf("weight = %d", 1+r.IntN(9)) }),
	"synchronised":     inOne("ipvs {\n", func(*rand.Rand) string { return "ipvs {\n  sync {\n    interface = \"eth0\"\n  }\n" }),
	"last line's end":  func(_ *rand.Rand, b []string) []string { b[len(b)-1] = strings.TrimSuffix(b[len(b)-1], "\n"); return b },
	"block duplicated": func(r *rand.Rand, b []string) []string { return slices.Insert(b, r.IntN(len(b)), b[r.IntN(len(b))]) },
	"block deleted":    func(r *rand.Rand, b []string) []string { i := r.IntN(len(b)); return slices.Delete(b, i, i+1) },
	"block moved": func(r *rand.Rand, b []string) []string {
		i := r.IntN(len(b))
		moved := b[i]
		b = slices.Delete(b, i, i+1)
		return slices.Insert(b, r.IntN(len(b)+1), moved)
	},
	"blocks exchanged": func(r *rand.Rand, b []string) []string {
		i, j := r.IntN(len(b)), r.IntN(len(b))
		b[i], b[j] = b[j], b[i]
		return b
	},
	"dynamic": func(r *rand.Rand, b []string) []string {
		return slices.Insert(b, r.IntN(len(b)), "dynamic \"virtual_server\" {\n  for_each = [90, 91]\n  labels   = [\"vs${virtual_server.value}\"]\n  content {\n    address  = \"192.0.2.${virtual_server.value}:80\"\n    protocol = \"tcp\"\n  }\n}\n")
	},
}

// inOne replaces one occurrence of a text, in any of the blocks.
func inOne(old string, text func(*rand.Rand) string) func(*rand.Rand, []string) []string {
	return func(r *rand.Rand, b []string) []string {
		all := strings.Join(b, "\x00")
		n := strings.Count(all, old)
		if n == 0 {
			return b
		}
		at := 0
		for range 1 + r.IntN(n) {
			at += strings.Index(all[at:], old) + len(old)
		}
		return strings.Split(all[:at-len(old)]+text(r)+all[at:], "\x00")
	}
}

// One memory goes through many versions of a configuration (EVENKEEL_ROUNDS, 300), good ones and wrong ones, in two files; whatever
// happened to it, the result and the messages are those of a load without.
func TestLoadingWithAMemoryIsLoadingWithout(t *testing.T) {
	rounds := 300
	if n, err := strconv.Atoi(os.Getenv("EVENKEEL_ROUNDS")); err == nil {
		rounds = n
	}
	r := rand.New(rand.NewPCG(1, 2))
	var kinds []string
	for kind := range edits {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	m := &Memory{}
	blocks, good := variedBlocks(), 0
	for round := range rounds {
		next := slices.Clone(blocks)
		for range 1 + r.IntN(2) {
			next = edits[kinds[r.IntN(len(kinds))]](r, next)
			if len(next) == 0 {
				next = variedBlocks()
			}
		}
		half := len(next) / 2
		sources := []Source{
			{Name: "a.hcl", Text: []byte(strings.Join(next[:half], "\n"))},
			{Name: "b.hcl", Text: []byte(strings.Join(next[half:], "\n"))},
		}
		if round%2 == 0 {
			sources = []Source{{Name: "a.hcl", Text: bytes.Join([][]byte{sources[0].Text, sources[1].Text}, []byte("\n"))}}
		}
		if sameLoad(t, m, sources) != nil {
			good++
			blocks = next // the errors of a wrong one are mended
		}
		if round%100 == 99 {
			blocks = variedBlocks()
		}
	}
	t.Logf("%d of %d were good", good, rounds)
	if good < rounds/5 || good > rounds*4/5 {
		t.Errorf("%d of %d configurations were good, which is not a fair test", good, rounds)
	}
}

// FuzzMemory loads any text after another one with the same memory.
func FuzzMemory(f *testing.F) {
	all := strings.Join(variedBlocks(), "\n")
	f.Add(all, strings.Replace(all, "weight = 1", "weight = 2", 1))
	for _, text := range plainTexts {
		f.Add(plainServer("a", "192.0.2.1:80", ""), plainServer("a", "192.0.2.1:80", text))
	}
	f.Add(plainServer("a", "192.0.2.1:80", ""), plainServer("a", "192.0.2.1:80", "}\n"))
	f.Fuzz(func(t *testing.T, first, second string) {
		if expensive(first) || expensive(second) {
			return
		}
		m := &Memory{}
		for _, text := range []string{first, second, first} {
			sameLoad(t, m, []Source{{Name: "x.hcl", Text: []byte(text)}})
		}
	})
}
