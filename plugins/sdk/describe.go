package sdk

import (
	"encoding/json"
	"fmt"
	"io"
)

// Describe writes what a plugin is, as JSON: what Serve prints when it is asked to describe.
func Describe(w io.Writer, p Plugin) error { return DescribeInfo(w, p.info) }

// DescribeInfo is Describe of what a plugin said of itself.
func DescribeInfo(w io.Writer, i Info) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Kind     Kind           `json:"kind"`
		Name     string         `json:"name"`
		Version  string         `json:"version"`
		Protocol int            `json:"protocol"`
		Schema   describeSchema `json:"schema"`
	}{i.Kind, i.Name, i.Version, ProtocolVersion, describeSchema{}.of(i.Schema)})
	if err != nil {
		return fmt.Errorf("describing plugin %s: %w", i, err)
	}
	return nil
}

type describeSchema struct {
	Doc        string              `json:"doc,omitempty"`
	Attributes []describeAttribute `json:"attributes,omitempty"`
	Blocks     []describeBlock     `json:"blocks,omitempty"`
	Weighs     bool                `json:"weighs,omitempty"`
	Egress     bool                `json:"egress,omitempty"`
}

type describeAttribute struct {
	Name      string          `json:"name"`
	Type      Type            `json:"type"`
	Required  bool            `json:"required,omitempty"`
	Default   json.RawMessage `json:"default,omitempty"`
	OneOf     []string        `json:"one_of,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
	Doc       string          `json:"doc,omitempty"`
}

type describeBlock struct {
	Name     string         `json:"name"`
	Repeated bool           `json:"repeated,omitempty"`
	Required bool           `json:"required,omitempty"`
	Schema   describeSchema `json:"schema"`
}

func (describeSchema) of(s Schema) (d describeSchema) {
	d.Doc, d.Weighs, d.Egress = s.Doc, s.Weighs, s.Egress
	for _, a := range s.Attributes {
		d.Attributes = append(d.Attributes, describeAttribute(a))
	}
	for _, b := range s.Blocks {
		d.Blocks = append(d.Blocks, describeBlock{b.Name, b.Repeated, b.Required, describeSchema{}.of(b.Schema)})
	}
	return d
}
