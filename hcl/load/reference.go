package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/schema"
)

// step is the name that a traversal goes on with.
func step(t hcl.Traverser) (string, bool) {
	switch t := t.(type) {
	case hcl.TraverseAttr:
		return t.Name, true
	case hcl.TraverseIndex:
		if t.Key.Type() == cty.String && t.Key.IsKnown() && !t.Key.IsNull() {
			return t.Key.AsString(), true
		}
	}
	return "", false
}

// explain says of an expression that could not be evaluated which of its references leads nowhere, and what was likely
// meant. Without one, HCL's own words stand.
func (l *loader) explain(e hcl.Expression, diags hcl.Diagnostics) hcl.Diagnostics {
	if e == nil {
		var explained hcl.Diagnostics
		for _, d := range diags {
			switch {
			case l.r.Diags.HasErrors() && strings.HasPrefix(d.Detail, "This value is not yet known."):
				// It comes of what was reported already.
			case d.Expression != nil:
				explained = append(explained, l.explain(d.Expression, hcl.Diagnostics{d})...)
			default:
				explained = append(explained, d)
			}
		}
		return explained
	}
	if !diags.HasErrors() {
		return diags
	}
	var better hcl.Diagnostics
	for _, t := range e.Variables() {
		if d := l.missing(t); d != nil {
			better = append(better, d)
		}
	}
	if len(better) > 0 {
		return better
	}
	return diags
}

// missing returns what is wrong with a traversal that refers to nothing, and nil for any other.
func (l *loader) missing(t hcl.Traversal) *hcl.Diagnostic {
	root := t.RootName()
	var known []string
	var second string
	if len(t) > 1 {
		second, _ = step(t[1])
	}
	at := t.SourceRange()
	if len(t) > 1 {
		at = hcl.RangeBetween(t[0].SourceRange(), t[1].SourceRange())
	}
	prefix := root
	switch {
	case root == "local" && second != "":
		if x := l.locals[second]; x != nil {
			if x.waiting {
				return refersToNothing(at, fmt.Sprintf("local.%s refers to blocks, and here the blocks are not known yet.", second))
			}
			return nil
		}
		known = slices.Sorted(maps.Keys(l.locals))
	case l.names.blocks == nil && isReferenceRoot(root):
		return refersToNothing(at, "The blocks are not known yet where a block of the top level is made: use locals.")
	case root == "check" && second != "":
		of := l.names.checks[second]
		if of == nil {
			known = slices.Sorted(maps.Keys(l.names.checks))
			for kind, named := range l.names.checks {
				if named[second] != nil {
					return refersToNothing(at, fmt.Sprintf("A check is named with its type: write check%s%s.", part(kind), part(second)))
				}
			}
			break
		}
		if len(t) < 3 {
			return refersToNothing(at, fmt.Sprintf("A check is named with its type and its name: write check%s.NAME.", part(second)))
		}
		third, _ := step(t[2])
		if third == "" || of[third] != nil {
			return nil
		}
		prefix, second = "check"+part(second), third
		known = slices.Sorted(maps.Keys(of))
		at = hcl.RangeBetween(t[0].SourceRange(), t[2].SourceRange())
	case isReferenceRoot(root) && second != "":
		if l.names.blocks[root][second] != nil {
			return nil
		}
		known = slices.Sorted(maps.Keys(l.names.blocks[root]))
	default:
		return nil
	}
	detail := fmt.Sprintf("There is no %s%s.", prefix, part(second))
	if near := schema.Nearest(second, known); near != "" {
		detail += fmt.Sprintf(" Did you mean %s%s?", prefix, part(near))
	} else if len(known) > 0 && len(known) <= 10 {
		detail += fmt.Sprintf(" Known are: %s.", strings.Join(known, ", "))
	}
	return refersToNothing(at, detail)
}

func refersToNothing(at hcl.Range, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Reference to nothing", Detail: detail, Subject: &at}
}

// traversalText is a traversal as it was written.
func traversalText(t hcl.Traversal) string {
	var s strings.Builder
	for _, step := range t {
		switch x := step.(type) {
		case hcl.TraverseRoot:
			s.WriteString(x.Name)
		case hcl.TraverseAttr:
			s.WriteString("." + x.Name)
		case hcl.TraverseIndex:
			switch x.Key.Type() {
			case cty.String:
				fmt.Fprintf(&s, "[%q]", x.Key.AsString())
			case cty.Number:
				fmt.Fprintf(&s, "[%s]", x.Key.AsBigFloat().Text('g', 10))
			}
		}
	}
	return s.String()
}

// refer reads a reference to one of the kinds, and returns its text and what it refers to. want says what is wanted, with
// an example.
func (l *loader) refer(a schema.Attr, want string) *reference {
	v, ok := l.r.Value(a)
	if !ok {
		return nil
	}
	return l.asReference(a.Name, v, a.Expr.Range(), want)
}

// references reads a list of them.
func (l *loader) references(a schema.Attr, want string) (refs []*reference, at []hcl.Range) {
	elements, _ := l.r.List(a)
	for _, e := range elements {
		if ref := l.asReference(a.Name, e.Value, e.Range, want); ref != nil {
			refs, at = append(refs, ref), append(at, e.Range)
		}
	}
	return refs, at
}

func (l *loader) asReference(name string, v cty.Value, at hcl.Range, want string) *reference {
	if v.Type() != referenceType {
		hint := ""
		if v.Type() == cty.String {
			hint = " A reference is written without quotes."
		}
		l.r.Errorf(at, "Wrong type", "%s refers to %s.%s", name, want, hint)
		return nil
	}
	return v.EncapsulatedValue().(*reference)
}

// wrongReference says that a reference leads to a block of another kind.
func (l *loader) wrongReference(name string, ref *reference, at hcl.Range, want string) {
	l.r.Errorf(at, "Wrong reference", "%s refers to %s, and this is %s.", name, want, ref.text)
}
