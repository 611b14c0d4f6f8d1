package load

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// A reference is the value of an expression that names a block, check.script.nginx.
type reference struct {
	text   string // as it is written
	target any    // *config.Check, *config.VRRPInstance, *config.SyncGroup or *config.VirtualServer
}

var referenceType = cty.Capsule("reference to a block", reflect.TypeFor[reference]())

// names are the blocks that can be referred to, by kind and name; checks by kind, type and name.
type names struct {
	blocks  map[string]map[string]*reference
	checks  map[string]map[string]*reference
	targets map[hclPlace]any // what each block is decoded into
	places  map[string]hcl.Range
}

// hclPlace is where a block begins, with the labels that a dynamic block gave it.
type hclPlace struct {
	file   string
	offset int
	labels string
}

func placeOf(b schema.Block) hclPlace {
	file, at := b.Start()
	return hclPlace{file, at.Byte, strings.Join(b.Labels, "\x00")}
}

// referenceRoots are the kinds of blocks that can be referred to.
var referenceRoots = []string{"check", "virtual_server", "vrrp_instance", "vrrp_sync_group"}

func isReferenceRoot(name string) bool { return slices.Contains(referenceRoots, name) }

// declare gives every named block its place, so that others can refer to it, and reports names that are used twice.
func (l *loader) declare(blocks []schema.Block) {
	n := &l.names
	n.blocks = map[string]map[string]*reference{}
	n.checks = map[string]map[string]*reference{}
	n.targets = map[hclPlace]any{}
	n.places = map[string]hcl.Range{}
	for _, root := range referenceRoots {
		n.blocks[root] = map[string]*reference{}
	}
	for _, b := range blocks {
		if len(b.Labels) > 0 {
			l.declareOne(b)
		} else {
			l.once(b.Type, b.Type, b.Range())
		}
	}
	v := l.r.Context.Variables
	for _, root := range referenceRoots {
		v[root] = objectOf(n.blocks[root])
	}
	types := map[string]cty.Value{}
	for kind, of := range n.checks {
		types[kind] = objectOf(of)
	}
	v["check"] = cty.ObjectVal(types)
}

func objectOf(refs map[string]*reference) cty.Value {
	values := make(map[string]cty.Value, len(refs))
	for name, ref := range refs {
		values[name] = cty.CapsuleVal(referenceType, ref)
	}
	return cty.ObjectVal(values)
}

// once reports the second use of a name.
func (l *loader) once(key, what string, at hcl.Range) bool {
	if first, ok := l.names.places[key]; ok {
		hint := "give this one a name of its own"
		if key == what {
			hint = "there is only one; put everything into that"
		}
		l.r.Errorf(at, "Duplicate "+what, "The first is at %s: %s.", place(first), hint)
		return false
	}
	l.names.places[key] = at
	return true
}

func (l *loader) declareOne(b schema.Block) {
	name := b.Labels[len(b.Labels)-1]
	at := b.LabelRange(len(b.Labels) - 1)
	if !isBlockName(name) {
		l.r.Errorf(at, "Wrong name", "A name begins with a letter, a digit or _, and goes on with these and - . : (at most 128 of them); %q is not one.", name)
	}
	key := b.Type + " " + strings.Join(b.Labels, " ")
	if b.Type == "notify" || b.Type == "provision" {
		key = b.Type + " " + name // the type is no part of these names
	}
	if !l.once(key, b.Type, at) {
		return
	}
	n := &l.names
	ref := &reference{text: b.Type}
	for _, label := range b.Labels {
		ref.text += part(label)
	}
	switch b.Type {
	case "check":
		ref.target = &config.Check{Type: b.Labels[0], Name: name, Position: position(b)}
		if n.checks[b.Labels[0]] == nil {
			n.checks[b.Labels[0]] = map[string]*reference{}
		}
		n.checks[b.Labels[0]][name] = ref
	case "vrrp_instance":
		ref.target = &config.VRRPInstance{Name: name, Position: position(b)}
		n.blocks[b.Type][name] = ref
	case "vrrp_sync_group":
		ref.target = &config.SyncGroup{Name: name, Position: position(b)}
		n.blocks[b.Type][name] = ref
	case "virtual_server":
		ref.target = &config.VirtualServer{Name: name, Position: position(b)}
		n.blocks[b.Type][name] = ref
	case "plugin":
		p := &config.Plugin{Kind: b.Labels[0], Name: name, Position: position(b)}
		ref.target = p
		l.types.plugins[typeName{p.Kind, p.Name}] = p
	default:
		return
	}
	n.targets[placeOf(b)] = ref.target
}

// target returns what a block is decoded into; nil for one whose name is another's.
func target[T any](l *loader, b schema.Block) *T {
	t, _ := l.names.targets[placeOf(b)].(*T)
	return t
}

// part is a name as it is written behind a dot, or in brackets where it is no identifier.
func part(name string) string {
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return "[" + strconv.Quote(name) + "]"
		}
	}
	return "." + name
}

func isBlockName(s string) bool {
	for i, r := range s {
		switch {
		case r == '_', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case i > 0 && strings.ContainsRune("-.:", r):
		default:
			return false
		}
	}
	return s != "" && len(s) <= 128
}

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
		for i, d := range diags {
			if d.Expression != nil {
				if better := l.explain(d.Expression, hcl.Diagnostics{d}); len(better) > 0 {
					diags[i] = better[0]
				}
			}
		}
		return diags
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
