package load

import (
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
	n.targets = make(map[hclPlace]any, len(blocks))
	n.places = make(map[string]hcl.Range, len(blocks))
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
		if d := l.deferred[placeOf(b)]; d != nil && d.known != nil {
			ref.target = d.known.service.VirtualServer
		} else {
			ref.target = &config.VirtualServer{Name: name, Position: position(b)}
		}
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
