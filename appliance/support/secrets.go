package support

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/nesting"
)

// removed is written where a secret was.
const removed = "(removed)"

// secret are parts of the names of attributes whose values are nobody else's business: passwords of VRRP and of checks,
// communities of SNMP, headers with tokens.
var secret = []string{"pass", "secret", "token", "communit", "credential", "authorization", "headers", "cookie"}

// WithoutSecrets returns a configuration file with the values of secret attributes replaced. A file that is no HCL is
// replaced as a whole, since nobody knows what is in it.
func WithoutSecrets(name string, text []byte) []byte {
	if nesting.Check(name, text) != nil {
		return []byte("# This file is nested too deeply, and was removed.\n")
	}
	f, diags := hclwrite.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		return fmt.Appendf(nil, "# This file has syntax errors, and was removed: %q\n", diags.Error())
	}
	clean(f.Body())
	return withoutSecretComments(f.Bytes())
}

func clean(b *hclwrite.Body) {
	for name := range b.Attributes() {
		if isSecret(name) || assignsSecret(b.GetAttribute(name)) {
			b.SetAttributeValue(name, cty.StringVal(removed))
		}
	}
	for _, inner := range b.Blocks() {
		clean(inner.Body())
	}
}

func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, s := range secret {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}

// assignsSecret says whether an object in an attribute's value has a secret key.
func assignsSecret(a *hclwrite.Attribute) bool {
	word := ""
	for _, t := range a.Expr().BuildTokens(nil) {
		switch t.Type {
		case hclsyntax.TokenIdent, hclsyntax.TokenQuotedLit:
			word = string(t.Bytes)
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			if isSecret(word) {
				return true
			}
		}
	}
	return false
}

// withoutSecretComments removes comments that may be a secret that was commented out.
func withoutSecretComments(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if before, comment, found := bytes.Cut(line, []byte("#")); found && isSecret(string(comment)) {
			line = fmt.Appendf(bytes.Clone(before), "# %s\n", removed)
		}
		out = append(out, line...)
	}
	return out
}
