package core

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A catalog knows the types that a configuration may use: those built in, and those that plugin blocks bring. It is what
// the language asks about them (load.Types). One is for one reading of a configuration, and is closed after it.
type catalog struct {
	builtin  builtins
	describe func(context.Context, supervisor.Plugin) (*supervisor.Description, error)
	asked    map[typeName]*supervisor.Description // plugins of others that were started to be asked
}

// A typeName is a kind and the name of a type: "check", "http".
type typeName struct{ kind, name string }

// builtins are the plugins that are part of this binary.
type builtins map[typeName]sdk.Plugin

func newBuiltins(plugins []sdk.Plugin) builtins {
	b := builtins{}
	for _, p := range plugins {
		i := p.Info()
		b[typeName{string(i.Kind), i.Name}] = p
	}
	return b
}

// describeTimeout bounds each question to somebody else's plugin.
const describeTimeout = 15 * time.Second

func newCatalog(b builtins, describe func(context.Context, supervisor.Plugin) (*supervisor.Description, error)) *catalog {
	return &catalog{builtin: b, describe: describe, asked: map[typeName]*supervisor.Description{}}
}

// close ends the processes that were asked.
func (c *catalog) close() {
	for _, d := range c.asked {
		d.Close()
	}
}

// Names are the types of a kind that are built in.
func (c *catalog) Names(kind string) []string {
	var names []string
	for t := range c.builtin {
		if t.kind == kind {
			names = append(names, t.name)
		}
	}
	slices.Sort(names)
	return names
}

// Schema returns what a block of a type may hold.
func (c *catalog) Schema(kind, name string, p *config.Plugin) (schema.Schema, error) {
	t := typeName{kind, name}
	if p == nil {
		b, ok := c.builtin[t]
		if !ok {
			return schema.Schema{}, fmt.Errorf("there is no %s %q", kind, name)
		}
		return schemaOf(b.Info().Schema), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), describeTimeout)
	defer cancel()
	d, err := c.describe(ctx, process(sdk.Kind(kind), name, p))
	if err != nil {
		return schema.Schema{}, err
	}
	c.asked[t] = d
	return schemaOf(d.Info.Schema), nil
}

// Validate returns what is wrong with a block's values beyond the schema.
func (c *catalog) Validate(kind, name string, p *config.Plugin, values json.RawMessage) []schema.Problem {
	t := typeName{kind, name}
	var ds []sdk.Diagnostic
	if p == nil {
		ds = c.builtin[t].Validate(values)
	} else if d := c.asked[t]; d != nil {
		ctx, cancel := context.WithTimeout(context.Background(), describeTimeout)
		defer cancel()
		var err error
		if ds, err = d.Validate(ctx, values); err != nil {
			return []schema.Problem{{Summary: "The plugin could not check the block", Detail: err.Error()}}
		}
	}
	var out []schema.Problem
	for _, d := range ds {
		out = append(out, schema.Problem{Path: d.Path, Summary: d.Summary, Detail: d.Detail})
	}
	return out
}

// process is the plugin that carries out a type: a part of this binary, or the file that a plugin block names.
func process(kind sdk.Kind, name string, p *config.Plugin) supervisor.Plugin {
	if p == nil {
		return supervisor.Plugin{Kind: kind, Name: name, Builtin: true}
	}
	return supervisor.Plugin{Kind: kind, Name: name, Path: p.Path, SHA256: p.SHA256}
}

// thirdParty returns the plugin block that brings a type, nil for a built-in one.
func thirdParty(cfg *config.Config, kind sdk.Kind, name string) *config.Plugin {
	for _, p := range cfg.Plugins {
		if p.Kind == string(kind) && p.Name == name {
			return p
		}
	}
	return nil
}

// schemaOf says a plugin's schema in the language's words.
func schemaOf(s sdk.Schema) schema.Schema {
	out := schema.Schema{Doc: s.Doc, Weighs: s.Weighs, Egress: s.Egress}
	for _, a := range s.Attributes {
		out.Attributes = append(out.Attributes, schema.Attribute{
			Name: a.Name, Type: schema.Type(a.Type), Required: a.Required, Default: a.Default, OneOf: a.OneOf, Sensitive: a.Sensitive, Doc: a.Doc,
		})
	}
	for _, b := range s.Blocks {
		out.Blocks = append(out.Blocks, schema.BlockType{Name: b.Name, Schema: schemaOf(b.Schema), Repeated: b.Repeated, Required: b.Required})
	}
	return out
}
