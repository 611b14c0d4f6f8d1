package load

import (
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
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
	trees *trees
}

// deepest is how many blocks in each other are read; a recursion needs an end.
const deepest = 50

func newPlain(name string, text []byte, start hcl.Pos, t *trees) *plain {
	return &plain{name: name, text: text, start: start, line: start.Line, first: 1 - start.Column, trees: t}
}

// parsePlain returns nil if it can't say for sure. The tree is made of t's nodes.
func parsePlain(name string, text []byte, start hcl.Pos, t *trees) *hclsyntax.Body {
	s := newPlain(name, text, start, t)
	body := t.body()
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
	a := s.trees.attribute()
	*a = hclsyntax.Attribute{
		Name: name, Expr: e,
		SrcRange:    hcl.Range{Filename: s.name, Start: at.Start, End: e.Range().End},
		NameRange:   at,
		EqualsRange: equals,
	}
	body.Attributes[name] = a
	return s.endOfLine()
}

// header reads a block's labels, up to its opening brace; nil if it can't say for sure.
func (s *plain) header(kind string, at hcl.Range) *hclsyntax.Block {
	b := s.trees.block()
	b.Type, b.TypeRange = kind, at
	for s.peek() != '{' {
		var label string
		var where hcl.Range
		switch c := s.peek(); {
		case c == '"':
			from := s.p
			inner, ok := s.quoted()
			if !ok {
				return nil
			}
			label, where = string(inner), s.between(from, s.p)
		case isLetter(c):
			label, where = s.identifier()
		default:
			return nil
		}
		b.Labels = append(b.Labels, label)
		b.LabelRanges = append(b.LabelRanges, where)
		s.spaces()
	}
	b.OpenBraceRange = s.between(s.p, s.p+1)
	s.p++
	b.Body = s.trees.body()
	return b
}

func (s *plain) block(body *hclsyntax.Body, kind string, at hcl.Range) bool {
	b := s.header(kind, at)
	if b == nil {
		return false
	}
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
