package load

import (
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A plain parser reads the part of HCL that most of a large configuration is written in: blocks with labels, and attributes
// that are strings, numbers, true, false, null, or lists of these. It makes the same syntax tree as hclsyntax does, in a
// tenth of the time. Whatever else it meets, and whatever is wrong, it gives up on, and hclsyntax reads the text instead:
// it never has an opinion of its own. FuzzPlain holds the two together.
type plain struct {
	name  string
	text  []byte
	p     int // the next byte
	start hcl.Pos
	line  int // number of the line that p is in
	first int // offset of the line's first byte, one column before the first column of the text's first line
	depth int
}

// deepest is how many blocks in each other are read; a recursion needs an end.
const deepest = 50

// parsePlain returns nil if it can't say for sure.
func parsePlain(name string, text []byte, start hcl.Pos) *hclsyntax.Body {
	s := &plain{name: name, text: text, start: start, line: start.Line, first: 1 - start.Column}
	body := &hclsyntax.Body{}
	if !s.body(body, true) {
		return nil
	}
	end := s.pos(s.p)
	body.SrcRange = hcl.Range{Filename: name, Start: start, End: end}
	body.EndRange = hcl.Range{Filename: name, Start: end, End: end}
	return body
}

// pos is the position of an offset in the current line, in which every byte is a column.
func (s *plain) pos(p int) hcl.Pos {
	return hcl.Pos{Line: s.line, Column: p - s.first + 1, Byte: s.start.Byte + p}
}

func (s *plain) between(from, to int) hcl.Range {
	return hcl.Range{Filename: s.name, Start: s.pos(from), End: s.pos(to)}
}

func (s *plain) peek() byte {
	if s.p < len(s.text) {
		return s.text[s.p]
	}
	return 0
}

func (s *plain) spaces() {
	for s.p < len(s.text) && (s.text[s.p] == ' ' || s.text[s.p] == '\t') {
		s.p++
	}
}

func (s *plain) newline() {
	s.p++
	s.line++
	s.first = s.p
}

// comment reads a comment up to the end of its line. ok is false for one that hclsyntax should look at.
func (s *plain) comment() (ok bool) {
	if s.text[s.p] == '/' && (s.p+1 >= len(s.text) || s.text[s.p+1] != '/') {
		return false
	}
	from := s.p
	for s.p < len(s.text) && s.text[s.p] != '\n' {
		if c := s.text[s.p]; c < ' ' && c != '\t' {
			return false
		}
		s.p++
	}
	return utf8.Valid(s.text[from:s.p])
}

// endOfLine reads what may follow an item: a comment, and the end of the line or of the text.
func (s *plain) endOfLine() bool {
	s.spaces()
	if c := s.peek(); c == '#' || c == '/' {
		if !s.comment() {
			return false
		}
	}
	if s.p >= len(s.text) {
		return true
	}
	if s.text[s.p] != '\n' {
		return false
	}
	s.newline()
	return true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (s *plain) identifier() (name string, at hcl.Range) {
	from := s.p
	for s.p < len(s.text) && (isLetter(s.text[s.p]) || s.p > from && (isDigit(s.text[s.p]) || s.text[s.p] == '-')) {
		s.p++
	}
	return string(s.text[from:s.p]), s.between(from, s.p)
}

// body reads items up to the closing brace, which it leaves, or up to the end of the text at the top.
func (s *plain) body(body *hclsyntax.Body, top bool) bool {
	for {
		s.spaces()
		if s.p >= len(s.text) {
			return top
		}
		switch c := s.text[s.p]; {
		case c == '\n':
			s.newline()
		case c == '#', c == '/':
			if !s.comment() {
				return false
			}
		case c == '}':
			return !top
		case isLetter(c):
			if !s.item(body) {
				return false
			}
		default:
			return false
		}
	}
}

func (s *plain) item(body *hclsyntax.Body) bool {
	name, at := s.identifier()
	s.spaces()
	if s.peek() != '=' {
		return s.block(body, name, at)
	}
	equals := s.between(s.p, s.p+1)
	s.p++
	s.spaces()
	e := s.expression(true)
	if e == nil || body.Attributes[name] != nil {
		return false
	}
	if body.Attributes == nil {
		body.Attributes = make(hclsyntax.Attributes, 4)
	}
	body.Attributes[name] = &hclsyntax.Attribute{
		Name: name, Expr: e,
		SrcRange:    hcl.Range{Filename: s.name, Start: at.Start, End: e.Range().End},
		NameRange:   at,
		EqualsRange: equals,
	}
	return s.endOfLine()
}

func (s *plain) block(body *hclsyntax.Body, kind string, at hcl.Range) bool {
	b := &hclsyntax.Block{Type: kind, TypeRange: at}
	for s.peek() != '{' {
		var label string
		var where hcl.Range
		switch c := s.peek(); {
		case c == '"':
			from := s.p
			inner, ok := s.quoted()
			if !ok {
				return false
			}
			label, where = string(inner), s.between(from, s.p)
		case isLetter(c):
			label, where = s.identifier()
		default:
			return false
		}
		b.Labels = append(b.Labels, label)
		b.LabelRanges = append(b.LabelRanges, where)
		s.spaces()
	}
	b.OpenBraceRange = s.between(s.p, s.p+1)
	s.p++
	b.Body = &hclsyntax.Body{}
	s.spaces()
	if s.peek() != '}' {
		if s.depth++; s.depth > deepest || !s.endOfLine() || !s.body(b.Body, false) {
			return false
		}
		s.depth--
	}
	b.CloseBraceRange = s.between(s.p, s.p+1)
	s.p++
	b.Body.SrcRange = hcl.Range{Filename: s.name, Start: b.OpenBraceRange.Start, End: b.CloseBraceRange.End}
	b.Body.EndRange = hcl.Range{Filename: s.name, Start: b.CloseBraceRange.End, End: b.CloseBraceRange.End}
	body.Blocks = append(body.Blocks, b)
	return s.endOfLine()
}

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
		value := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(string(inner)), SrcRange: s.between(from+1, s.p-1)}
		if len(inner) == 0 {
			value.SrcRange = s.between(s.p, s.p) // where hclsyntax has the value of an empty string
		}
		return &hclsyntax.TemplateExpr{Parts: []hclsyntax.Expression{value}, SrcRange: s.between(from, s.p)}
	case isDigit(c):
		for isDigit(s.peek()) {
			s.p++
		}
		v, err := cty.ParseNumberVal(string(s.text[from:s.p]))
		if err != nil || !s.separated() {
			return nil
		}
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: s.between(from, s.p)}
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
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}
	case c == '[' && lists:
		return s.list()
	}
	return nil
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
	e := &hclsyntax.TupleConsExpr{OpenRange: open}
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
