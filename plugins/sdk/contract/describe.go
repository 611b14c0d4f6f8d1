package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// complaints collects what is wrong.
type complaints []string

func (c *complaints) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

// versionNumber is that of https://semver.org, without what may follow.
var versionNumber = regexp.MustCompile(`^\d+\.\d+\.\d+`)

func describes(_ context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	i := s.Info
	if !s.Declared {
		if !versionNumber.MatchString(i.Version) {
			c.add("its version is %q, not one like 1.0.0", i.Version)
		}
		if i.Schema.Doc == "" {
			c.add("its schema has no sentence that says what it does")
		}
	}
	return wrong
}

func describesOverTheWire(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	want, err := wire(s.Info)
	if err != nil {
		c.add("%v", err)
	}
	for range 2 {
		got, err := s.Introduce(ctx)
		if err != nil {
			c.add("describing: %v", err)
			return wrong
		}
		b, err := wire(got)
		if err != nil {
			c.add("%v", err)
		}
		if !bytes.Equal(b, want) {
			c.add("it describes itself as\n%s\nand is\n%s", b, want)
		}
	}
	return wrong
}

// wire makes the JSON of a description, in which nothing and an empty list are the same.
func wire(i sdk.Info) ([]byte, error) {
	b, err := json.Marshal(i)
	return bytes.ReplaceAll(b, []byte(":[]"), []byte(":null")), err
}

func schemaIsDocumented(_ context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := s.Info.Schema.Check(); err != nil {
		c.add("%v", err)
	}
	documented(c, s.Info.Schema, "")
	return wrong
}

// documented complains of attributes and blocks without words.
func documented(c *complaints, s sdk.Schema, within string) {
	for _, a := range s.Attributes {
		name := within + a.Name
		if strings.TrimSpace(a.Doc) == "" {
			c.add("attribute %s has no doc", name)
		}
		if strings.Contains(a.Name, "__") || strings.HasSuffix(a.Name, "_") {
			c.add("attribute %s is no name like body_match", name)
		}
		if secret.MatchString(a.Name) && a.Type == sdk.TypeString && !a.Sensitive {
			c.add("attribute %s sounds like a secret and is not sensitive", name)
		}
	}
	for _, b := range s.Blocks {
		if strings.TrimSpace(b.Schema.Doc) == "" {
			c.add("block %s has no doc", within+b.Name)
		}
		documented(c, b.Schema, within+b.Name+".")
	}
}

// secret are names of what must not be shown. A file with a secret in it may be.
var secret = regexp.MustCompile(`(^|_)(password|passwd|passphrase|secret|token|credential)s?$`)

// same says whether two JSON values are the same.
func same(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
