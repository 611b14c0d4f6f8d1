package load

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// sameTree compares syntax trees. Whether an empty list is nil does not matter to anybody.
func sameTree(a, b *hclsyntax.Body) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(hclsyntax.Body{}),
		cmp.Comparer(func(x, y cty.Value) bool { return x.RawEquals(y) }),
		cmpopts.IgnoreUnexported(hclsyntax.TemplateExpr{}))
}

// used holds the nodes of texts that were read before, as in a load.
var used = &trees{}

// agree reports where the plain parser reads a text otherwise than hclsyntax does. It may always give up.
func agree(t *testing.T, text []byte) (read bool) {
	t.Helper()
	used.again()
	plain := parsePlain("x.hcl", text, hcl.InitialPos, used)
	if plain == nil {
		return false
	}
	f, diags := hclsyntax.ParseConfig(text, "x.hcl", hcl.InitialPos)
	if len(diags) > 0 {
		t.Fatalf("hclsyntax refuses what the plain parser takes: %v\n%s", diags, text)
	}
	want := f.Body.(*hclsyntax.Body)
	want.SrcRange, want.EndRange = plain.SrcRange, plain.EndRange // of the file as a whole; nobody asks for them
	if diff := sameTree(want, plain); diff != "" {
		t.Fatalf("the plain parser reads another tree (-hclsyntax +plain):\n%s\n%s", diff, text)
	}
	return true
}

var plainTexts = []string{
	"",
	"\n\n",
	"a = 1\n",
	"a = 1",
	"a = \"\"\nb=\"x\"\n",
	"a = [ ]\nb = [\"x\", 2, true,]\nc = [ # comment\n  1,\n  # another\n  2\n]\n",
	"a = null # why\nb = true // not\n",
	"# only a comment",
	"// ümlaut\na = 007\n",
	"block {}\n",
	"block {\n}\n",
	"block \"a\" \"b\" {\n  x = \"y\"\n\n  inner c { # here\n    z = false\n  } // there\n}\n",
	"block { }\nother\t\"l\"\t{\t}\t\n",
	"b {\n\ta = 1\t# tab\n}",
}

var notPlainTexts = []string{
	"a = 1.5\n", "a = -1\n", "a = \"$${x}\"\n", "a = \"\\n\"\n", "a = x.y\n", "a = [[1]]\n", "a = {}\n", "a = \"ü\"\n",
	"a = 1\r\n", "b { a = 1 }\n", "a = 1 b = 2\n", "a = 1\na = 2\n", "b {\n", "}\n", "a = [1 2]\n", "a = [1,,2]\n", "a = [,]\n",
	"a = 1e3\n", "a = 1x\n", "a = truex\n", "a = true.x\n", "a = \"x\ny\"\n", "/* x */\n", "a\n= 1\n", "a b\n{}\n", "a {} b {}\n",
	"a = <<E\nx\nE\n", "a = \"%\"\n", "a = f(1)\n", "a = true ? 1 : 2\n", "a = 1 + 1\n", "a = [for x in y : x]\n", "1 = 1\n",
}

func TestPlainParserReadsPlainTextsAsHCLDoes(t *testing.T) {
	for _, text := range plainTexts {
		if !agree(t, []byte(text)) {
			t.Errorf("gave up on %q", text)
		}
	}
	if !agree(t, large(2, 3).Text) {
		t.Error("gave up on the text of the benchmark")
	}
}

func TestPlainParserGivesUpOnTheRest(t *testing.T) {
	for _, text := range notPlainTexts {
		if agree(t, []byte(text)) {
			t.Errorf("read %q", text)
		}
	}
}

// Whatever the texts are, a file that was cut is what it is in one piece.
func TestPiecesOfAFileAreTheFile(t *testing.T) {
	reference, err := os.ReadFile("testdata/reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	part := large(4, 16).Text
	for name, text := range map[string]string{
		"plain":                    string(part),
		"with the reference":       string(part) + string(reference) + string(part),
		"with expressions":         string(part) + "locals {\n  a = [for x in range(3) : x]\n}\n" + string(part),
		"brace at the line's head": string(part) + "locals {\na = {\nb = 1\n}\n}\n" + string(part),
		"heredoc":                  string(part) + "locals {\n  a = <<EOT\n}\nEOT\n}\n" + string(part),
		"long comment":             string(part) + "/*\n}\n" + string(part) + "*/\n",
		"template":                 string(part) + "locals {\n  a = \"${\n1\n}\"\n}\n" + string(part),
	} {
		t.Run(name, func(t *testing.T) {
			got, diags := parse(Source{Name: "x.hcl", Text: []byte(text)})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			f, _ := hclsyntax.ParseConfig([]byte(text), "x.hcl", hcl.InitialPos)
			want := f.Body.(*hclsyntax.Body)
			if len(want.Blocks) != len(got.body.Blocks) {
				t.Fatalf("%d blocks, want %d", len(got.body.Blocks), len(want.Blocks))
			}
			for i, b := range want.Blocks {
				if g := got.body.Blocks[i]; g.Range() != b.Range() || g.Type != b.Type || len(g.Body.Blocks) != len(b.Body.Blocks) || g.Body.EndRange != b.Body.EndRange {
					t.Fatalf("block %d is %s %v at %v, want %s %v at %v", i, g.Type, g.Labels, g.Range(), b.Type, b.Labels, b.Range())
				}
			}
		})
	}
}

func TestSyntaxErrorsOfALargeFileAreThoseOfTheWholeFile(t *testing.T) {
	text := append(large(4, 16).Text, "virtual_server \"x\" {\n  address = \n}\n"...)
	text = append(text, large(2, 16).Text...)
	_, want := hclsyntax.ParseConfig(text, "x.hcl", hcl.InitialPos)
	_, got := parse(Source{Name: "x.hcl", Text: text})
	if len(want) == 0 || got.Error() != want.Error() {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzPlain(f *testing.F) {
	for _, text := range append(plainTexts, notPlainTexts...) {
		f.Add([]byte(text))
	}
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range append(archives, "testdata/reference.hcl") {
		if text, err := os.ReadFile(name); err == nil {
			for _, part := range strings.SplitAfter(string(text), "\n}\n") {
				f.Add([]byte(part))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) { agree(t, text) })
}
