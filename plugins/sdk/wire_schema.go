package sdk

import (
	"fmt"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// maxSchemaDepth bounds how deep blocks may lie in blocks.
const maxSchemaDepth = 8

func schemaOut(s Schema) *pluginv1.Schema {
	return &pluginv1.Schema{
		Doc:        s.Doc,
		Weighs:     s.Weighs,
		Egress:     s.Egress,
		Attributes: each(s.Attributes, attributeOut),
		Blocks: each(s.Blocks, func(b BlockType) *pluginv1.BlockType {
			return &pluginv1.BlockType{Name: b.Name, Schema: schemaOut(b.Schema), Repeated: b.Repeated, Required: b.Required}
		}),
	}
}

func attributeOut(a Attribute) *pluginv1.Attribute {
	return &pluginv1.Attribute{
		Name:        a.Name,
		Type:        string(a.Type),
		Required:    a.Required,
		DefaultJson: a.Default,
		OneOf:       a.OneOf,
		Sensitive:   a.Sensitive,
		Doc:         a.Doc,
	}
}

func schemaIn(m *pluginv1.Schema, depth int) (s Schema, err error) {
	if depth > maxSchemaDepth {
		return s, fmt.Errorf("reading a schema: blocks lie more than %d deep", maxSchemaDepth)
	}
	s = Schema{Doc: m.GetDoc(), Weighs: m.GetWeighs(), Egress: m.GetEgress(), Attributes: each(m.GetAttributes(), attributeIn)}
	s.Blocks, err = eachIn(m.GetBlocks(), func(m *pluginv1.BlockType) (b BlockType, err error) {
		b = BlockType{Name: m.GetName(), Repeated: m.GetRepeated(), Required: m.GetRequired()}
		b.Schema, err = schemaIn(m.GetSchema(), depth+1)
		return b, err
	})
	return s, err
}

func attributeIn(m *pluginv1.Attribute) Attribute {
	return Attribute{
		Name:      m.GetName(),
		Type:      Type(m.GetType()),
		Required:  m.GetRequired(),
		Default:   configIn(m.GetDefaultJson()),
		OneOf:     m.GetOneOf(),
		Sensitive: m.GetSensitive(),
		Doc:       m.GetDoc(),
	}
}

func infoOut(i Info, services []string) *pluginv1.DescribeResponse {
	return &pluginv1.DescribeResponse{
		Kind:     string(i.Kind),
		Name:     i.Name,
		Version:  i.Version,
		Schema:   schemaOut(i.Schema),
		Services: services,
	}
}

func infoIn(m *pluginv1.DescribeResponse) (i Info, err error) {
	i = Info{Kind: Kind(m.GetKind()), Name: m.GetName(), Version: m.GetVersion()}
	if i.Schema, err = schemaIn(m.GetSchema(), 0); err != nil {
		return i, err
	}
	return i, i.Schema.Check()
}

func diagnosticOut(d Diagnostic) *pluginv1.Diagnostic {
	return &pluginv1.Diagnostic{Path: texts(d.Path), Summary: text(d.Summary), Detail: text(d.Detail)}
}

func diagnosticIn(m *pluginv1.Diagnostic) Diagnostic {
	return Diagnostic{Path: m.GetPath(), Summary: text(m.GetSummary()), Detail: text(m.GetDetail())}
}
