package load

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func TestDiagnosticsOfAFileAreExplainedWithItsLine(t *testing.T) {
	s := Source{Name: "lb.hcl", Text: []byte("director {\n  name = \n}\n")}
	_, diags := hclsyntax.ParseConfig(s.Text, s.Name, hcl.InitialPos)
	got := Explain(s, diags).Text()
	for _, want := range []string{"on lb.hcl:2,10", "   2:   name = "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
