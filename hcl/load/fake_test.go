package load

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// fakeTypes has a few types of each kind, and counts what it was asked.
type fakeTypes struct {
	schemas   map[string]int // how often the schema of "check http" was asked for
	validated []string       // the values that were asked about
}

var builtin = map[string][]string{
	"check":     {"agent", "http", "ping", "script", "tcp"},
	"notify":    {"mail", "script", "service"},
	"provision": {"ssh"},
}

func (f *fakeTypes) Names(kind string) []string { return builtin[kind] }

func (f *fakeTypes) Schema(kind, name string, p *config.Plugin) (schema.Schema, error) {
	if f.schemas == nil {
		f.schemas = map[string]int{}
	}
	f.schemas[kind+" "+name]++
	if p != nil && strings.Contains(p.Path, "missing") {
		return schema.Schema{}, errors.New("open " + p.Path + ": no such file or directory")
	}
	def := func(v string) json.RawMessage { return json.RawMessage(v) }
	switch kind + " " + name {
	case "check agent":
		return schema.Schema{Weighs: true}, nil
	case "check tcp", "check ping":
		return schema.Schema{Egress: true}, nil
	case "check http":
		return schema.Schema{
			Attributes: []schema.Attribute{
				{Name: "path", Type: schema.String, Default: def(`"/"`)},
				{Name: "method", Type: schema.String, Default: def(`"GET"`), OneOf: []string{"GET", "HEAD"}},
				{Name: "status", Type: schema.StringList, Default: def(`["200-299"]`)},
				{Name: "headers", Type: schema.StringMap},
				{Name: "tls", Type: schema.Bool, Default: def(`false`)},
			},
			Blocks: []schema.BlockType{{Name: "request", Repeated: true, Schema: schema.Schema{
				Attributes: []schema.Attribute{{Name: "path", Type: schema.String, Required: true}},
			}}},
			Egress: true,
		}, nil
	case "check script", "notify script":
		return schema.Schema{Attributes: []schema.Attribute{
			{Name: "command", Type: schema.StringList, Required: true},
			{Name: "user", Type: schema.String, Default: def(`"nobody"`)},
		}}, nil
	case "check redis":
		return schema.Schema{Attributes: []schema.Attribute{{Name: "database", Type: schema.Int, Default: def(`0`)}}}, nil
	case "check shadow":
		return schema.Schema{Attributes: []schema.Attribute{{Name: "interval", Type: schema.Duration}}}, nil
	case "notify mail":
		return schema.Schema{
			Attributes: []schema.Attribute{
				{Name: "to", Type: schema.StringList, Required: true},
				{Name: "from", Type: schema.String},
			},
			Blocks: []schema.BlockType{{Name: "smtp", Required: true, Schema: schema.Schema{Attributes: []schema.Attribute{
				{Name: "server", Type: schema.String, Required: true},
				{Name: "timeout", Type: schema.Duration, Default: def(`"30s"`)},
				{Name: "port", Type: schema.Port},
			}}}},
		}, nil
	case "notify service":
		return schema.Schema{Attributes: []schema.Attribute{
			{Name: "service", Type: schema.String, Required: true},
			{Name: "action", Type: schema.String, Default: def(`"restart"`), OneOf: []string{"start", "stop", "restart", "reload"}},
		}}, nil
	case "provision ssh":
		return schema.Schema{Attributes: []schema.Attribute{
			{Name: "user", Type: schema.String, Default: def(`"root"`)},
			{Name: "private_key_file", Type: schema.String, Required: true},
			{Name: "known_hosts_file", Type: schema.String},
			{Name: "persist", Type: schema.Bool, Default: def(`false`)},
		}}, nil
	}
	return schema.Schema{}, errors.New("the fake does not know it")
}

// Validate finds fault with paths that do not begin with a slash.
func (f *fakeTypes) Validate(kind, name string, p *config.Plugin, values json.RawMessage) []schema.Problem {
	f.validated = append(f.validated, string(values))
	if kind+" "+name != "check http" {
		return nil
	}
	var c struct {
		Path    string
		Request []struct{ Path string }
	}
	if err := json.Unmarshal(values, &c); err != nil {
		return []schema.Problem{{Summary: "Not JSON", Detail: err.Error()}}
	}
	var problems []schema.Problem
	if !strings.HasPrefix(c.Path, "/") {
		problems = append(problems, schema.Problem{Path: []string{"path"}, Summary: "Wrong path", Detail: "A path begins with a slash."})
	}
	for i, r := range c.Request {
		if !strings.HasPrefix(r.Path, "/") {
			problems = append(problems, schema.Problem{Path: []string{"request", string(rune('0' + i)), "path"}, Summary: "Wrong path", Detail: "A path begins with a slash."})
		}
	}
	return problems
}
