package schema

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Hints says what a name that is not in the language is called in it, for those who come from another tool: for
// "lb_algo" it may return "That is scheduler here.". It returns "" for what it does not know.
type Hints func(name string) string

// A body is a parsed body that says what it does not know in this language's words. It is what dynblock expands, so that a
// body with dynamic blocks and one without complain alike.
type body struct {
	native *hclsyntax.Body
	hints  Hints
	around *hclsyntax.Block // whose body it is; nil at the top level
}

// Wrap returns a body that [Read] reads quickly and that reports unknown names with suggestions and hints. hints may be nil.
func Wrap(native *hclsyntax.Body, hints Hints) hcl.Body {
	if hints == nil {
		hints = func(string) string { return "" }
	}
	return &body{native: native, hints: hints}
}

// Content implements hcl.Body.
func (b *body) Content(header *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	return b.content(shapeOf(header), true)
}

// PartialContent implements hcl.Body. The remaining body is never asked for: dynblock makes its own.
func (b *body) PartialContent(header *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	c, diags := b.content(shapeOf(header), false)
	return c, b, diags
}

// JustAttributes implements hcl.Body.
func (b *body) JustAttributes() (hcl.Attributes, hcl.Diagnostics) { return b.native.JustAttributes() }

// MissingItemRange implements hcl.Body. What is missing in a block is said of its header.
func (b *body) MissingItemRange() hcl.Range {
	if b.around != nil {
		return b.around.DefRange()
	}
	return b.native.MissingItemRange()
}

func (b *body) content(s *Shape, whole bool) (*hcl.BodyContent, hcl.Diagnostics) {
	c := &hcl.BodyContent{Attributes: hcl.Attributes{}, MissingItemRange: b.MissingItemRange()}
	var diags hcl.Diagnostics
	for name := range s.required {
		if b.native.Attributes[name] == nil {
			diags = append(diags, Missing(name, b.MissingItemRange()))
		}
	}
	for name, a := range b.native.Attributes {
		if _, ok := s.attributes[name]; ok {
			c.Attributes[name] = a.AsHCLAttribute()
		} else if whole {
			diags = append(diags, b.unknownAttribute(a, s))
		}
	}
	for _, block := range b.native.Blocks {
		labels, ok := s.blocks[block.Type]
		switch {
		case ok && whole && block.Type == "dynamic" && len(block.Labels) == 1 && !s.has(block.Labels[0]):
			diags = append(diags, b.unknown(block.Labels[0], block.LabelRanges[0], s))
		case !ok && whole:
			diags = append(diags, b.unknownBlock(block, s))
		case !ok:
		case len(labels) != len(block.Labels):
			diags = append(diags, wrongLabels(block, labels))
		default:
			h := block.AsHCLBlock()
			h.Body = &body{block.Body, b.hints, block}
			c.Blocks = append(c.Blocks, h)
		}
	}
	return c, diags
}

// Content is what a body held: attributes by name, and blocks in their order.
type Content struct {
	native  hclsyntax.Attributes
	general hcl.Attributes
	absent  map[string]bool // attributes whose value is null, which is as if they were not written
	Blocks  []Block
	body    hcl.Body
}

// Missing is where something that is missing would be written, for messages: the header of the block.
func (c *Content) Missing() hcl.Range {
	if c.body == nil {
		return hcl.Range{}
	}
	return c.body.MissingItemRange()
}

// Read takes a body apart by its shape. dynamic blocks in it are expanded with ctx. What the shape does not know is
// reported, and left out of the content; the rest is there even so.
func Read(b hcl.Body, s *Shape, ctx *hcl.EvalContext) (Content, hcl.Diagnostics) {
	w, ok := b.(*body)
	if !ok {
		return readGeneral(b, s)
	}
	if _, known := s.blocks["dynamic"]; !known {
		for _, block := range w.native.Blocks {
			if block.Type == "dynamic" {
				return readGeneral(dynblock.Expand(w, ctx), s)
			}
		}
	}
	c := Content{native: w.native.Attributes, body: w}
	var diags hcl.Diagnostics
	for name, a := range w.native.Attributes {
		if _, ok := s.attributes[name]; !ok {
			diags = append(diags, w.unknownAttribute(a, s))
		}
	}
	if len(w.native.Blocks) > 0 {
		c.Blocks = make([]Block, 0, len(w.native.Blocks))
	}
	for _, block := range w.native.Blocks {
		labels, ok := s.blocks[block.Type]
		switch {
		case !ok:
			diags = append(diags, w.unknownBlock(block, s))
		case len(labels) != len(block.Labels):
			diags = append(diags, wrongLabels(block, labels))
		default:
			c.Blocks = append(c.Blocks, Block{Type: block.Type, Labels: block.Labels, native: block, hints: w.hints})
		}
	}
	return c, diags
}

func readGeneral(b hcl.Body, s *Shape) (Content, hcl.Diagnostics) {
	content, diags := b.Content(s.header)
	c := Content{general: content.Attributes, body: b}
	for _, block := range content.Blocks {
		c.Blocks = append(c.Blocks, Block{Type: block.Type, Labels: block.Labels, general: block})
	}
	return c, diags
}

// Attr returns the attribute of that name; the zero Attr, whose Expr is nil, when it was not written.
func (c *Content) Attr(name string) Attr {
	if c.absent[name] {
		return Attr{}
	}
	if c.native != nil {
		if a := c.native[name]; a != nil {
			return Attr{Name: name, Expr: a.Expr, native: a}
		}
	} else if a := c.general[name]; a != nil {
		return Attr{Name: name, Expr: a.Expr, general: a}
	}
	return Attr{}
}

// Of returns the blocks of one type.
func (c *Content) Of(kind string) []Block {
	var of []Block
	for _, b := range c.Blocks {
		if b.Type == kind {
			of = append(of, b)
		}
	}
	return of
}

// An Attr is an attribute as it was written. The zero Attr is one that was not.
type Attr struct {
	Name    string
	Expr    hcl.Expression
	native  *hclsyntax.Attribute
	general *hcl.Attribute
}

// Written says whether the attribute is there.
func (a Attr) Written() bool { return a.Expr != nil }

// NameRange is where its name stands.
func (a Attr) NameRange() hcl.Range {
	if a.native != nil {
		return a.native.NameRange
	}
	return a.general.NameRange
}

// A Block is a block as it was written, or as a dynamic block made it.
type Block struct {
	Type    string
	Labels  []string
	native  *hclsyntax.Block
	general *hcl.Block
	hints   Hints
}

// Body returns what is between the braces.
func (b Block) Body() hcl.Body {
	if b.native != nil {
		return &body{b.native.Body, b.hints, b.native}
	}
	return b.general.Body
}

// Range is where the block's header stands, from its type to its last label.
func (b Block) Range() hcl.Range {
	if b.native != nil {
		return b.native.DefRange()
	}
	return b.general.DefRange
}

// Start is the position of the block's first character.
func (b Block) Start() (string, hcl.Pos) {
	if b.native != nil {
		return b.native.TypeRange.Filename, b.native.TypeRange.Start
	}
	return b.general.TypeRange.Filename, b.general.TypeRange.Start
}

// LabelRange is where its label number i stands.
func (b Block) LabelRange(i int) hcl.Range {
	if b.native != nil {
		return b.native.LabelRanges[i]
	}
	if i < len(b.general.LabelRanges) {
		return b.general.LabelRanges[i]
	}
	return b.general.DefRange
}
