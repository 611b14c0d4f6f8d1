package schema

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// An Element is one value of a list, with its place.
type Element struct {
	Value cty.Value
	Range hcl.Range
}

// List reads a list, of whatever elements.
func (r *Reader) List(a Attr) ([]Element, bool) {
	if a.Expr == nil {
		return nil, false
	}
	if t, ok := a.Expr.(*hclsyntax.TupleConsExpr); ok {
		elements, whole := make([]Element, 0, len(t.Exprs)), true
		for _, e := range t.Exprs {
			v, ok := literal(e)
			if !ok {
				var diags hcl.Diagnostics
				v, diags = e.Value(r.Context)
				if len(diags) > 0 {
					r.Diags = append(r.Diags, r.explain(e, diags)...)
				}
				if diags.HasErrors() {
					whole = false
					continue
				}
				v, _ = v.UnmarkDeep()
			}
			if !v.IsWhollyKnown() {
				r.unknown(e.Range())
				whole = false
				continue
			}
			if v.IsNull() {
				r.Errorf(e.Range(), "Wrong value", "null is not an element of %s.", a.Name)
				whole = false
				continue
			}
			elements = append(elements, Element{v, e.Range()})
		}
		return elements, whole
	}
	v, ok := r.value(a.Expr)
	if !ok {
		return nil, false
	}
	if t := v.Type(); !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		r.wrongType(a.Name, a.Expr, v, "a list")
		return nil, false
	}
	var elements []Element
	for _, e := range v.AsValueSlice() {
		if e.IsNull() {
			r.Errorf(a.Expr.Range(), "Wrong value", "null is not an element of %s.", a.Name)
			return nil, false
		}
		elements = append(elements, Element{e, a.Expr.Range()})
	}
	return elements, true
}

// Strings reads a list of strings.
func (r *Reader) Strings(a Attr) ([]string, bool) {
	elements, ok := r.List(a)
	if !ok {
		return nil, false
	}
	list := make([]string, 0, len(elements))
	for _, e := range elements {
		if e.Value.Type() != cty.String {
			hint := ""
			if e.Value.Type() == cty.Number {
				hint = ": write it in quotes"
			}
			r.Errorf(e.Range, "Wrong type", "%s is a list of strings, and this is %s%s.", a.Name, describe(e.Value), hint)
			ok = false
			continue
		}
		list = append(list, e.Value.AsString())
	}
	return list, ok
}

// StringMap reads an object whose values are strings.
func (r *Reader) StringMap(a Attr) (map[string]string, bool) {
	v, ok := r.Value(a)
	if !ok {
		return nil, false
	}
	if t := v.Type(); !t.IsObjectType() && !t.IsMapType() {
		r.wrongType(a.Name, a.Expr, v, `an object of strings, as in { "Accept" = "text/html" }`)
		return nil, false
	}
	m := make(map[string]string, v.LengthInt())
	for name, e := range v.AsValueMap() {
		if e.IsNull() || e.Type() != cty.String {
			r.Errorf(a.Expr.Range(), "Wrong type", "The values of %s are strings, and %q is %s.", a.Name, name, describe(e))
			ok = false
			continue
		}
		m[name] = e.AsString()
	}
	return m, ok
}
