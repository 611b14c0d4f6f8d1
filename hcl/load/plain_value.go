package load

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// quoted reads a string without escapes and templates, and returns what is between the quotes.
func (s *plain) quoted() ([]byte, bool) {
	from := s.p + 1
	for s.p = from; s.p < len(s.text); s.p++ {
		switch c := s.text[s.p]; {
		case c == '"':
			s.p++
			return s.text[from : s.p-1], true
		case c < ' ', c >= 0x7f, c == '\\', c == '$', c == '%':
			return nil, false
		}
	}
	return nil, false
}

// expression reads a value; nil for anything but a literal or, where lists are allowed, a list of literals.
func (s *plain) expression(lists bool) hclsyntax.Expression {
	from := s.p
	switch c := s.peek(); {
	case c == '"':
		inner, ok := s.quoted()
		if !ok {
			return nil
		}
		value := s.literal(cty.StringVal(string(inner)), s.between(from+1, s.p-1))
		if len(inner) == 0 {
			value.SrcRange = s.between(s.p, s.p) // where hclsyntax has the value of an empty string
		}
		e := s.trees.template(value)
		e.SrcRange = s.between(from, s.p)
		return e
	case isDigit(c):
		for isDigit(s.peek()) {
			s.p++
		}
		v, err := cty.ParseNumberVal(string(s.text[from:s.p]))
		if err != nil || !s.separated() {
			return nil
		}
		return s.literal(v, s.between(from, s.p))
	case isLetter(c):
		word, at := s.identifier()
		var v cty.Value
		switch word {
		case "true":
			v = cty.True
		case "false":
			v = cty.False
		case "null":
			v = cty.NullVal(cty.DynamicPseudoType)
		default:
			return nil
		}
		if !s.separated() {
			return nil
		}
		return s.literal(v, at)
	case c == '[' && lists:
		return s.list()
	}
	return nil
}

func (s *plain) literal(v cty.Value, at hcl.Range) *hclsyntax.LiteralValueExpr {
	e := s.trees.literal()
	*e = hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}
	return e
}

// separated says whether a number or a word ends here for sure.
func (s *plain) separated() bool {
	switch s.peek() {
	case 0:
		return s.p >= len(s.text)
	case ' ', '\t', '\n', ',', ']', '#':
		return true
	}
	return false
}

func (s *plain) list() hclsyntax.Expression {
	open := s.between(s.p, s.p+1)
	s.p++
	e := s.trees.tuple()
	e.OpenRange = open
	for comma := true; ; {
		if !s.gap() {
			return nil
		}
		switch {
		case s.peek() == ']':
			s.p++
			e.SrcRange = hcl.Range{Filename: s.name, Start: open.Start, End: s.pos(s.p)}
			return e
		case s.peek() == ',' && !comma:
			s.p++
			comma = true
		case comma:
			element := s.expression(false)
			if element == nil {
				return nil
			}
			e.Exprs = append(e.Exprs, element)
			comma = false
		default:
			return nil
		}
	}
}

// gap reads what may stand between the elements of a list.
func (s *plain) gap() bool {
	for {
		s.spaces()
		switch s.peek() {
		case '\n':
			s.newline()
		case '#', '/':
			if !s.comment() {
				return false
			}
		default:
			return s.p < len(s.text)
		}
	}
}
