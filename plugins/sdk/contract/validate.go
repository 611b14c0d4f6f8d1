package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// garbage is no configuration of anything.
var garbage = []string{
	`[]`, `null`, `"a"`, `1`, `{`, `{}{}`, `{"no_such_attribute":1}`, "\x00", "\xff\xfe",
	strings.Repeat(`{"a":`, 10000) + `1` + strings.Repeat(`}`, 10000),
	`{"` + strings.Repeat("a", 1<<20) + `":1}`,
}

// wrongType has for each type of attribute values that are not of it.
var wrongType = map[sdk.Type][]string{
	sdk.TypeString:     {`1`, `true`, `["a"]`, `{"a":"b"}`, `null`},
	sdk.TypeBool:       {`1`, `"true"`, `null`},
	sdk.TypeInt:        {`"1"`, `1.5`, `1e99`, `null`, `true`},
	sdk.TypeNumber:     {`"1"`, `null`, `true`},
	sdk.TypeDuration:   {`1`, `"1"`, `"soon"`, `"-1s"`, `""`, `null`},
	sdk.TypeAddress:    {`1`, `"a.example.com"`, `"192.0.2.1/24"`, `""`, `null`},
	sdk.TypePort:       {`0`, `65536`, `-1`, `"80"`, `null`},
	sdk.TypeStringList: {`"a"`, `[1]`, `{"a":"b"}`, `null`},
	sdk.TypeStringMap:  {`"a"`, `["a"]`, `{"a":1}`, `null`},
}

// A validator says what is wrong with a configuration.
type validator func(config string) ([]sdk.Diagnostic, error)

func (s *Subject) local() validator {
	return func(config string) ([]sdk.Diagnostic, error) { return s.Validate(json.RawMessage(config)), nil }
}

func acceptsGood(_ context.Context, s *Subject) []string { return s.accepts(s.local()) }

func refusesBad(_ context.Context, s *Subject) []string { return s.refuses(s.local()) }

func validatesOverTheWire(ctx context.Context, s *Subject) []string {
	remote := func(config string) ([]sdk.Diagnostic, error) {
		return sdk.NewPluginClient(s.Conn).Validate(ctx, json.RawMessage(config))
	}
	return slices.Concat(s.accepts(remote), s.refuses(remote))
}

func (s *Subject) accepts(validate validator) (wrong []string) {
	c := (*complaints)(&wrong)
	good := s.Good
	required := slices.ContainsFunc(s.Info.Schema.Attributes, func(a sdk.Attribute) bool { return a.Required }) ||
		slices.ContainsFunc(s.Info.Schema.Blocks, func(b sdk.BlockType) bool { return b.Required })
	if !required {
		good = append([]string{`{}`}, good...)
	}
	if len(good) == 0 {
		c.add("the case has no good configuration")
	}
	for _, config := range good {
		d, err := validate(config)
		if err != nil {
			c.add("%s: %v", clip(config), err)
		}
		for _, d := range d {
			c.add("%s is refused: %s", clip(config), d.Error())
		}
	}
	return wrong
}

func (s *Subject) refuses(validate validator) (wrong []string) {
	c := (*complaints)(&wrong)
	info := s.Info
	bad := slices.Clone(s.Bad)
	if info.Kind != sdk.KindBalancer && info.Kind != sdk.KindVRRP { // which have no block of their own
		for _, g := range garbage {
			bad = append(bad, Bad{Config: g})
		}
	}
	for _, a := range info.Schema.Attributes {
		values := wrongType[a.Type]
		if len(a.OneOf) > 0 {
			values = append(slices.Clone(values), `"none of those"`)
		}
		for _, v := range values {
			bad = append(bad, Bad{Config: fmt.Sprintf(`{%q:%s}`, a.Name, v), Path: a.Name})
		}
		if a.Required {
			bad = append(bad, Bad{Config: `{}`, Path: a.Name})
		}
	}
	for _, b := range bad {
		d, err := validate(b.Config)
		switch {
		case err != nil:
			c.add("%s: %v", clip(b.Config), err)
		case len(d) == 0:
			c.add("%s is accepted", clip(b.Config))
		case b.Path != "" && !slices.ContainsFunc(d, func(d sdk.Diagnostic) bool { return strings.Join(d.Path, ".") == b.Path }):
			c.add("%s: no complaint is at %s: %v", clip(b.Config), b.Path, d)
		}
		for _, d := range d {
			if d.Summary == "" {
				c.add("%s: a complaint at %v has no words", clip(b.Config), d.Path)
			}
		}
	}
	return wrong
}

// clip returns the beginning of a long text, fit for a terminal.
func clip(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		s = strconv.Quote(s)
	}
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
