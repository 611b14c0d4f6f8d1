package load

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A trees is where the plain parser takes the nodes of a syntax tree from. Where trees are wanted only one at a time, each is
// made of the nodes of the one before it: the trees of a large configuration take twenty times the memory of its text, and
// untouched memory costs more than anything else that is done to read it. Nothing may refer to a tree when the next is begun.
type trees struct {
	blocks     nodes[hclsyntax.Block]
	bodies     nodes[hclsyntax.Body]
	attributes nodes[hclsyntax.Attribute]
	literals   nodes[hclsyntax.LiteralValueExpr]
	templates  nodes[hclsyntax.TemplateExpr]
	tuples     nodes[hclsyntax.TupleConsExpr]
}

// nodes are those of one type.
type nodes[T any] struct {
	all  []*T
	used int
}

// take returns a node, with what it held in the tree before.
func (n *nodes[T]) take() *T {
	if n.used == len(n.all) {
		n.all = append(n.all, new(T))
	}
	n.used++
	return n.all[n.used-1]
}

// again begins the next tree.
func (t *trees) again() {
	t.blocks.used, t.bodies.used, t.attributes.used = 0, 0, 0
	t.literals.used, t.templates.used, t.tuples.used = 0, 0, 0
}

// Slices and maps are kept and emptied.

func (t *trees) block() *hclsyntax.Block {
	b := t.blocks.take()
	*b = hclsyntax.Block{Labels: b.Labels[:0], LabelRanges: b.LabelRanges[:0]}
	return b
}

func (t *trees) body() *hclsyntax.Body {
	b := t.bodies.take()
	clear(b.Attributes)
	*b = hclsyntax.Body{Attributes: b.Attributes, Blocks: b.Blocks[:0]}
	return b
}

func (t *trees) attribute() *hclsyntax.Attribute { return t.attributes.take() }

func (t *trees) literal() *hclsyntax.LiteralValueExpr { return t.literals.take() }

func (t *trees) template(part hclsyntax.Expression) *hclsyntax.TemplateExpr {
	e := t.templates.take()
	*e = hclsyntax.TemplateExpr{Parts: append(e.Parts[:0], part)}
	return e
}

func (t *trees) tuple() *hclsyntax.TupleConsExpr {
	e := t.tuples.take()
	*e = hclsyntax.TupleConsExpr{Exprs: e.Exprs[:0]}
	return e
}
