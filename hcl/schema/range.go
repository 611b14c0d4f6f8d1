package schema

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Range finds where the value that a path leads to was written: in the block b, whose body was read with ctx. The path
// goes through blocks and attributes by name, and through the elements of repeated blocks and lists by number:
// ["request", "0", "path"]. Where nothing was written, it is the nearest thing around it that was.
func (d *Decoder) Range(b Block, ctx *hcl.EvalContext, path ...string) hcl.Range {
	at := b.Range()
	for len(path) > 0 {
		c, _ := Read(b.Body(), d.shape, ctx)
		f := d.field(path[0])
		if f == nil {
			return at
		}
		if f.attribute != nil {
			a := c.Attr(f.name)
			if !a.Written() {
				return at
			}
			return element(a.Expr, path[1:])
		}
		blocks, index := c.Of(f.name), 0
		path = path[1:]
		if f.block.Repeated && len(path) > 0 {
			n, err := strconv.Atoi(path[0])
			if err != nil {
				return at
			}
			index, path = n, path[1:]
		}
		if index < 0 || index >= len(blocks) {
			return at
		}
		b, d = blocks[index], f.inner
		at = b.Range()
	}
	return at
}

func (d *Decoder) field(name string) *field {
	for i := range d.fields {
		if d.fields[i].name == name {
			return &d.fields[i]
		}
	}
	return nil
}

// element finds an element of a list or an object that is written out; the whole expression otherwise.
func element(e hcl.Expression, path []string) hcl.Range {
	if len(path) == 0 {
		return e.Range()
	}
	switch e := hcl.UnwrapExpression(e).(type) {
	case *hclsyntax.TupleConsExpr:
		if n, err := strconv.Atoi(path[0]); err == nil && n >= 0 && n < len(e.Exprs) {
			return e.Exprs[n].Range()
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			if v, diags := item.KeyExpr.Value(nil); !diags.HasErrors() && v.Type().FriendlyName() == "string" && v.AsString() == path[0] {
				return item.ValueExpr.Range()
			}
		}
	}
	return e.Range()
}
