// Package format writes configurations in their one canonical layout, which nobody has to argue about.
package format

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/evenkeel/evenkeel/hcl/nesting"
)

// Format returns a configuration file with canonical indentation, alignment and spacing, and nothing else changed. A file
// with syntax errors is refused: the diagnostics say why, with the name given for the file, and the result is nil.
func Format(name string, src []byte) ([]byte, hcl.Diagnostics) {
	if d := nesting.Check(name, src); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	if _, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos); diags.HasErrors() {
		return nil, diags
	}
	return hclwrite.Format(src), nil
}
