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

// Some blocks of a configuration of which nothing is to be said, so that it can be read by its changes.
func silentBlocks() []string {
	var blocks []string
	for _, b := range variedBlocks() {
		if !strings.Contains(b, "redis") {
			blocks = append(blocks, strings.Replace(b, `timeout  = "2s"`, `timeout  = "1s"`, 1))
		}
	}
	return blocks
}

// One memory goes through many versions of a configuration (EVENKEEL_ROUNDS, 300), good ones and wrong ones, in two files; whatever
// happened to it, the result and the messages are those of a load without.
func TestLoadingWithAMemoryIsLoadingWithout(t *testing.T) {
	t.Run("everything", func(t *testing.T) { manyLoads(t, variedBlocks, nil) })
	t.Run("what can be read by its changes", func(t *testing.T) {
		manyLoads(t, silentBlocks, []string{"weight", "longer weight", "comment"})
	})
}

// manyLoads makes edits of all kinds, or mostly those of some kinds. With these a fair part must be read by its changes.
func manyLoads(t *testing.T, blocksOf func() []string, mostly []string) {
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
	blocks, good, quick := blocksOf(), 0, 0
	for round := range rounds {
		next := slices.Clone(blocks)
		for range 1 + r.IntN(2) {
			kind := kinds[r.IntN(len(kinds))]
			if len(mostly) > 0 && r.IntN(8) > 0 {
				kind = mostly[r.IntN(len(mostly))]
			}
			next = edits[kind](r, next)
			if len(next) == 0 {
				next = blocksOf()
			}
		}
		half := len(next) / 2
		sources := []Source{
			{Name: "a.hcl", Text: []byte(strings.Join(next[:half], "\n"))},
			{Name: "b.hcl", Text: []byte(strings.Join(next[half:], "\n"))},
		}
		if round%8 < 4 {
			sources = []Source{{Name: "a.hcl", Text: bytes.Join([][]byte{sources[0].Text, sources[1].Text}, []byte("\n"))}}
		}
		before := m.files
		if sameLoad(t, m, sources) != nil {
			good++
			if len(before) > 0 && before[0] == m.files[0] {
				quick++
			}
			blocks = next // the errors of a wrong one are mended
		}
		if round%100 == 99 {
			blocks = blocksOf()
		}
	}
	t.Logf("%d of %d were good, of them %d by their changes", good, rounds, quick)
	if len(mostly) > 0 && quick < rounds/4 {
		t.Errorf("%d of %d were read by their changes, which is not a fair test", quick, rounds)
	}
	if good < rounds/5 || good > rounds*19/20 {
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
