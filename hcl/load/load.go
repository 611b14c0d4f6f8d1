// Package load reads configurations: it parses .hcl files, resolves what they refer to, fills in defaults, checks the rules
// of the field, and returns a typed configuration or everything that is wrong with the files.
package load

import (
	"encoding/json"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// Options say what the language cannot know by itself.
type Options struct {
	Types    Types   // the types of checks, notifies and provisions; nil: there are none
	Hostname string  // of this machine: the default of the director's name, and the variable hostname
	Memory   *Memory // of what was read before; nil: none
}

// Types knows the types of checks, notifies and provisions, those built in and those of plugin blocks. Its answers are
// remembered while a configuration is loaded: Schema is asked once per type that is used, and Validate once per type and
// distinct values. A kind is "check", "notify" or "provision".
type Types interface {
	// Schema returns what a block of that type may hold. p is the plugin block that brings the type, nil for a built-in.
	Schema(kind, name string, p *config.Plugin) (schema.Schema, error)
	// Validate returns what is wrong with a block's values, which the schema found nothing wrong with.
	Validate(kind, name string, p *config.Plugin, values json.RawMessage) []schema.Problem
	// Names are the built-in types of that kind.
	Names(kind string) []string
}

// Load reads files, and folders for the .hcl files in them in the order of their names, as one configuration. The
// configuration is nil if there are errors; the diagnostics are never nil, and may hold warnings beside a configuration.
func Load(paths []string, o Options) (*config.Config, *Diagnostics) {
	d := &Diagnostics{}
	sources := read(paths, o.Memory, d)
	if d.HasErrors() {
		return nil, d
	}
	return load(sources, o, d)
}

// Sources reads a configuration from texts that were kept, as [Diagnostics.Sources] returns them.
func Sources(sources []Source, o Options) (*config.Config, *Diagnostics) {
	return load(sources, o, &Diagnostics{})
}

// load reads good files piece by piece, which takes the least; of files that were read before, the pieces that have changed.
// Only if anything at all is wrong the files are parsed as a whole, and it is said of that what is to be said: so the pieces
// and the memory never have a say in what is an error, and how it is told.
func load(sources []Source, o Options, d *Diagnostics) (*config.Config, *Diagnostics) {
	d.sources = sources
	answers := newAnswers(o.Types)
	if cfg := loadChanged(sources, o, answers); cfg != nil {
		return cfg, d
	}
	l := loadPieces(sources, o, answers)
	if l == nil {
		l = loadWhole(sources, o, answers, d)
	}
	if l != nil {
		d.add(l.r.Diags...)
	}
	d.finish()
	if d.HasErrors() {
		return nil, d
	}
	return l.cfg, d
}

// loadWhole returns nil if not all files could be parsed.
func loadWhole(sources []Source, o Options, answers *answers, d *Diagnostics) *loader {
	files := make([]*file, 0, len(sources))
	for _, s := range sources {
		f, diags := parse(s)
		d.add(diags...)
		files = append(files, f)
	}
	// What a file with a syntax error says is not known, and what would be said of the rest is mostly wrong.
	if d.HasErrors() {
		return nil
	}
	l := newLoader(o, answers)
	l.load(files)
	return l
}

// A loader makes one configuration.
type loader struct {
	o     Options
	cfg   *config.Config
	r     *schema.Reader
	types *types
	names names // of blocks that can be referred to

	locals   map[string]*local
	services services
	routers  routers
	synced   bool // an ipvs sync block was written

	deferred map[hclPlace]*deferred // virtual servers that are not parsed yet
	trees    trees                  // of these, one at a time
	fresh    []*readFile            // what the memory will hold
	stuck    bool                   // the files can't be read in pieces
}

func newLoader(o Options, a *answers) *loader {
	l := &loader{o: o, cfg: &config.Config{Director: config.Director{Brake: defaultBrake}}, locals: map[string]*local{}}
	l.r = &schema.Reader{Explain: l.explain, Context: &hcl.EvalContext{}}
	l.types = &types{answers: a, known: map[typeName]*typeEntry{}, plugins: map[typeName]*config.Plugin{}, reader: l.r}
	return l
}

func (l *loader) load(files []*file) {
	l.r.Context.Variables, l.r.Context.Functions = l.variables(), functions()
	l.readLocals(files)
	l.evaluateLocals(false)
	blocks := l.topLevel(files)
	l.declare(blocks)
	l.evaluateLocals(true)

	// plugin blocks first, for the types they bring; then what others refer to.
	for _, step := range []struct {
		kind   string
		decode func(schema.Block)
	}{
		{"plugin", l.plugin},
		{"director", l.director},
		{"check", l.namedCheck},
		{"vrrp_instance", l.vrrpInstance},
		{"vrrp_sync_group", l.syncGroup},
		{"ipvs", l.ipvs},
		{"virtual_server", l.virtualServer},
		{"notify", l.notify},
		{"provision", l.provision},
		{"appliance", l.appliance},
	} {
		for _, b := range blocks {
			if b.Type == step.kind {
				step.decode(b)
			}
		}
	}
	l.services.finish(l)
	if l.cfg.Director.Name == "" {
		l.cfg.Director.Name = l.o.Hostname
	}
}

func position(b schema.Block) config.Position {
	file, at := b.Start()
	return config.Position{File: file, Line: at.Line, Column: at.Column}
}
