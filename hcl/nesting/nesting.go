// Package nesting bounds how deeply a configuration's text may be nested. HCL's parser calls itself for every bracket, sign
// and condition, and Go cannot recover from a stack that is full: a file of a hundred thousand brackets, by mistake or
// by malice, would end the process that reads it, and what runs must never be disturbed by a wrong file.
package nesting

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Limit is how deep is allowed, in brackets, signs in a row, and conditions inside each other. HCL takes some ten kilobytes
// of stack for each, of a gigabyte that there is.
const Limit = 1000

// Check returns an error at the place where a text is nested too deeply, and nil if it nowhere is.
func Check(name string, text []byte) *hcl.Diagnostic {
	if !suspicious(text) {
		return nil
	}
	// Only the tokens tell brackets from those in strings and comments. A lexer needs no stack.
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	var open []hclsyntax.TokenType
	signs, conditions := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, t.Type)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
			hclsyntax.TokenTemplateSeqEnd:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case hclsyntax.TokenQuestion:
			conditions++
		case hclsyntax.TokenComma:
			conditions = 0
		case hclsyntax.TokenNewline:
			if len(open) == 0 || open[len(open)-1] == hclsyntax.TokenOBrace {
				conditions = 0
			}
		}
		switch t.Type {
		case hclsyntax.TokenMinus, hclsyntax.TokenBang:
			signs++
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
		default:
			signs = 0
		}
		if len(open)+signs+conditions > Limit {
			return &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Nested too deeply",
				Detail:   fmt.Sprintf("There are more than %d brackets, signs or conditions inside each other here.", Limit),
				Subject:  t.Range.Ptr(),
			}
		}
	}
	return nil
}

// suspicious says whether a text may be nested too deeply, by counting the characters that could do it as if none stood in a
// string or a comment.
func suspicious(text []byte) bool {
	depth, signs, conditions := 0, 0, 0
	for _, c := range text {
		switch c {
		case '{', '[', '(':
			depth++
			signs = 0
		case '}', ']', ')':
			depth = max(0, depth-1)
			signs = 0
		case '-', '!':
			signs++
		case '?':
			conditions++
			signs = 0
		case ' ', '\t', '\n', '\r':
		default:
			signs = 0
		}
		// A template in a string in a template counts twice in the exact measure.
		if 2*depth+signs+conditions > Limit {
			return true
		}
	}
	return false
}
