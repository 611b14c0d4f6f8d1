package nesting

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func repeated(open, middle, shut string, n int) string {
	return "x = " + strings.Repeat(open, n) + middle + strings.Repeat(shut, n) + "\n"
}

func TestDeepTextsAreRefusedBeforeTheyAreParsed(t *testing.T) {
	for name, text := range map[string]string{
		"parentheses": repeated("(", "1", ")", 2e4),
		"lists":       repeated("[", "1", "]", 2e4),
		"objects":     repeated("{ a = ", "1", "}", 2e4),
		"blocks":      strings.Repeat("a {\n", 2e4),
		"templates":   repeated(`"${`, "1", `}"`, 2e4),
		"signs":       "x = " + strings.Repeat("-", 2e4) + "1\n",
		"nots":        "x = " + strings.Repeat("! \t", 2e4) + "1\n",
		"conditions":  "x = " + strings.Repeat("true ? 1 : ", 2e4) + "1\n",
		"inside":      "x = (\n" + strings.Repeat("true ? 1 : \n", 2e4) + "1)\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := Check("x.hcl", []byte(text))
			if d == nil || d.Severity != hcl.DiagError || d.Subject == nil || d.Subject.Filename != "x.hcl" {
				t.Fatalf("got %v", d)
			}
		})
	}
}

func TestOrdinaryTextsAreNot(t *testing.T) {
	for name, text := range map[string]string{
		"many blocks":            strings.Repeat("a {\n  b {\n    c = [1]\n  }\n}\n", 2000),
		"brackets in strings":    strings.Repeat("x = \"([{\"\n", 2000),
		"brackets in comments":   strings.Repeat("# :-( {\n", 2000),
		"many conditions":        strings.Repeat("x = true ? 1 : 2\n", 2000),
		"a list of conditions":   "x = [" + strings.Repeat("true ? 1 : 2,\n", 2000) + "]\n",
		"a long line of a ruler": "# " + strings.Repeat("-", 5000) + "\n",
	} {
		if d := Check("x.hcl", []byte(text)); d != nil {
			t.Errorf("%s: %v", name, d)
		}
	}
}

// The parser and the evaluation must live with what is allowed.
func TestDeepestTextsThatAreAllowedCanBeParsed(t *testing.T) {
	for _, text := range []string{
		repeated("(", "1", ")", Limit),
		repeated("[", "1", "]", Limit),
		repeated(`"${`, "1", `}"`, Limit/2),
		"x = " + strings.Repeat("-", Limit) + "1\n",
		"x = " + strings.Repeat("true ? 1 : ", Limit) + "1\n",
	} {
		if d := Check("x.hcl", []byte(text)); d != nil {
			t.Fatalf("refused: %v", d)
		}
		f, diags := hclsyntax.ParseConfig([]byte(text), "x.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		attrs, _ := f.Body.JustAttributes()
		if _, diags := attrs["x"].Expr.Value(nil); diags.HasErrors() {
			t.Fatal(diags)
		}
	}
}
