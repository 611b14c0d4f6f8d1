package load

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

type typeName struct{ kind, name string }

// answers remembers what Types has answered.
type answers struct {
	types    Types
	schemas  map[typeName]schemaAnswer
	problems map[typeName]map[string][]schema.Problem // by values
}

type schemaAnswer struct {
	schema schema.Schema
	err    error
}

func newAnswers(t Types) *answers {
	return &answers{types: t, schemas: map[typeName]schemaAnswer{}, problems: map[typeName]map[string][]schema.Problem{}}
}

func (a *answers) schema(name typeName, p *config.Plugin) (schema.Schema, error) {
	s, asked := a.schemas[name]
	if !asked {
		s.schema, s.err = a.types.Schema(name.kind, name.name, p)
		a.schemas[name], a.problems[name] = s, map[string][]schema.Problem{}
	}
	return s.schema, s.err
}

func (a *answers) validate(e *typeEntry, values []byte) []schema.Problem {
	problems, asked := e.problems[string(values)]
	if !asked {
		problems = a.types.Validate(e.name.kind, e.name.name, e.plugin, values)
		e.problems[string(values)] = problems
	}
	return problems
}

// types are those that a configuration uses.
type types struct {
	*answers
	known   map[typeName]*typeEntry
	plugins map[typeName]*config.Plugin // those of plugin blocks
	reader  *schema.Reader
}

// A typeEntry is a type that is used. decoder is nil if the type can't be used, which was reported.
type typeEntry struct {
	name     typeName
	plugin   *config.Plugin
	decoder  *schema.Decoder
	weighs   bool                        // as its schema says
	egress   bool                        // likewise
	problems map[string][]schema.Problem // by values
}

// of returns the type that a block's first label names, and nil, with an error reported, if there is none.
func (t *types) of(b schema.Block) *typeEntry {
	name := typeName{b.Type, b.Labels[0]}
	e := t.known[name]
	if e == nil {
		p := t.plugins[name]
		if p == nil && !slices.Contains(t.builtin(name.kind), name.name) {
			t.unknown(name, b.LabelRange(0))
			return nil
		}
		e = &typeEntry{name: name, plugin: p}
		t.known[name] = e
		t.prepare(e, b.LabelRange(0))
	}
	if e.decoder == nil {
		return nil
	}
	return e
}

// prepare asks for the type's schema. A type that can't be used is an error once, at the first block of it.
func (t *types) prepare(e *typeEntry, at hcl.Range) {
	s, err := t.schema(e.name, e.plugin)
	e.problems = t.problems[e.name]
	if err != nil {
		t.reader.Errorf(at, "Type can't be used", "%s %q: %v.", e.name.kind, e.name.name, err)
		return
	}
	d, err := schema.Compile(s, commonAttributes[e.name.kind]...)
	if err != nil {
		t.reader.Errorf(at, "Type can't be used", "The plugin of %s %q has a schema that is wrong: %v.", e.name.kind, e.name.name, err)
		return
	}
	d.Defaults()
	e.decoder, e.weighs, e.egress = d, s.Weighs, s.Egress
}

func (t *types) builtin(kind string) []string {
	if t.types == nil {
		return nil
	}
	return t.types.Names(kind)
}

func (t *types) unknown(name typeName, at hcl.Range) {
	known := slices.Clone(t.builtin(name.kind))
	for p := range t.plugins {
		if p.kind == name.kind {
			known = append(known, p.name)
		}
	}
	slices.Sort(known)
	if near := schema.Nearest(name.name, known); near != "" {
		t.reader.Errorf(at, "Unknown type", "There is no %s %q. Did you mean %q?", name.kind, name.name, near)
		return
	}
	has := "no type is built in"
	if len(known) > 0 {
		has = "known are " + listed(known)
	}
	t.reader.Errorf(at, "Unknown type", "There is no %s %q: %s. Another's type needs a block plugin %q %q { path = ... sha256 = ... }.", name.kind, name.name, has, name.kind, name.name)
}

// decode returns the JSON of the type's own attributes, and reports what the type has to say about them.
func (l *loader) decode(e *typeEntry, b schema.Block, c *schema.Content) []byte {
	values, ok := e.decoder.Decode(l.r, c)
	if !ok {
		return nil
	}
	for _, p := range l.types.validate(e, values) {
		at := e.decoder.Range(b, l.r.Context, p.Path...)
		summary := p.Summary
		if summary == "" {
			summary = "Wrong value"
		}
		l.r.Errorf(at, summary, "%s", p.Detail)
	}
	return values
}
