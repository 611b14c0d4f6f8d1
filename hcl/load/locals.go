package load

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/schema"
)

// A local is an attribute of a locals block.
type local struct {
	expr    hclsyntax.Expression
	at      hcl.Range
	value   cty.Value // NilVal: not evaluated yet
	waiting bool      // it refers to blocks, directly or through another local, and blocks are not known yet
	open    bool      // it is being evaluated
}

// variables are those that are there from the beginning.
func (l *loader) variables() map[string]cty.Value {
	return map[string]cty.Value{
		"hostname": cty.StringVal(l.o.Hostname),
		"local":    cty.EmptyObjectVal,
	}
}

// readLocals collects the attributes of all locals blocks, and takes the blocks out of the files.
func (l *loader) readLocals(files []*file) {
	for _, f := range files {
		isLocals := func(b *hclsyntax.Block) bool { return b.Type == "locals" }
		if !slices.ContainsFunc(f.body.Blocks, isLocals) {
			continue
		}
		rest := *f.body
		rest.Blocks = nil
		for _, b := range f.body.Blocks {
			if !isLocals(b) {
				rest.Blocks = append(rest.Blocks, b)
				continue
			}
			for _, label := range b.LabelRanges {
				l.r.Errorf(label, "Wrong number of labels", "Write locals { ... }, without a label.")
			}
			for _, inner := range b.Body.Blocks {
				l.r.Errorf(inner.TypeRange, "Unknown block", "A locals block holds attributes only: write %s = { ... } for an object.", inner.Type)
			}
			for name, a := range b.Body.Attributes {
				first := l.locals[name]
				if first == nil {
					l.locals[name] = &local{expr: a.Expr, at: a.NameRange}
					continue
				}
				here := a.NameRange
				if here.Filename == first.at.Filename && here.Start.Byte < first.at.Start.Byte {
					here, first.at = first.at, here
				}
				l.r.Errorf(here, "Duplicate name", "local.%s is already defined at %s.", name, place(first.at))
			}
		}
		f.rest = &rest
	}
}

// evaluateLocals gives the locals their values, each after those it uses. Before the blocks of the files are known, those
// that refer to blocks wait.
func (l *loader) evaluateLocals(blocksKnown bool) {
	for _, name := range l.localNames() {
		l.evaluateLocal(name, blocksKnown)
	}
	values := map[string]cty.Value{}
	for name, x := range l.locals {
		if x.value != cty.NilVal {
			values[name] = x.value
		}
	}
	l.r.Context.Variables["local"] = cty.ObjectVal(values)
}

func (l *loader) evaluateLocal(name string, blocksKnown bool) *local {
	x := l.locals[name]
	if x.value != cty.NilVal || x.waiting && !blocksKnown {
		return x
	}
	if x.open {
		l.r.Errorf(x.at, "Circular locals", "local.%s is defined by itself, directly or through other locals.", name)
		x.value = cty.DynamicVal
		return x
	}
	x.open = true
	defer func() { x.open = false }()
	uses := map[string]cty.Value{}
	x.waiting = false
	for _, t := range x.expr.Variables() {
		switch {
		case isReferenceRoot(t.RootName()):
			x.waiting = x.waiting || !blocksKnown
		case t.RootName() == "local" && len(t) > 1:
			used, ok := step(t[1])
			if !ok || l.locals[used] == nil {
				continue
			}
			u := l.evaluateLocal(used, blocksKnown)
			if u.value == cty.NilVal {
				x.waiting = x.waiting || u.waiting
				continue
			}
			uses[used] = u.value
		}
	}
	if x.waiting || x.value != cty.NilVal {
		return x
	}
	if whole := usesAllLocals(x.expr); whole {
		l.r.Errorf(x.at, "Circular locals", "local.%s uses local as a whole: name the one it needs, as in local.other.", name)
		x.value = cty.DynamicVal
		return x
	}
	ctx := l.r.Context.NewChild()
	ctx.Variables = map[string]cty.Value{"local": cty.ObjectVal(uses)}
	v, diags := x.expr.Value(ctx)
	if len(diags) > 0 {
		l.r.Diags = append(l.r.Diags, l.explain(x.expr, diags)...)
	}
	if diags.HasErrors() {
		v = cty.DynamicVal // what uses it is not complained about
	}
	x.value = v
	return x
}

func usesAllLocals(e hclsyntax.Expression) bool {
	for _, t := range e.Variables() {
		if t.RootName() == "local" && len(t) < 2 {
			return true
		}
	}
	return false
}

// localNames returns the names in the order of the files, so that what is wrong is always said in the same way.
func (l *loader) localNames() []string {
	names := make([]string, 0, len(l.locals))
	for name := range l.locals {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := l.locals[a].at, l.locals[b].at
		if c := strings.Compare(x.Filename, y.Filename); c != 0 {
			return c
		}
		return x.Start.Byte - y.Start.Byte
	})
	return names
}

// topLevel returns the blocks of all files, those that dynamic blocks make included.
func (l *loader) topLevel(files []*file) []schema.Block {
	var blocks []schema.Block
	for _, f := range files {
		body := f.body
		if f.rest != nil {
			body = f.rest
		}
		c := l.r.Read(schema.Wrap(body, hint), topLevelShape)
		blocks = append(blocks, c.Blocks...)
	}
	return blocks
}
