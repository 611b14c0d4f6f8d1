package schema

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// A Shape is the set of names that a body may hold: attributes, and blocks with the names of their labels.
type Shape struct {
	attributes     map[string]struct{}
	attributeNames []string // in the order they were given, for suggestions
	required       map[string]struct{}
	blocks         map[string][]string
	blockNames     []string
	header         *hcl.BodySchema // the same in HCL's own terms, for bodies with dynamic blocks
}

// A BlockShape is a type of block with the names of its labels.
type BlockShape struct {
	Type   string
	Labels []string
}

// NewShape returns the shape of a body with these attributes, none of them required, and these blocks.
func NewShape(attributes []string, blocks ...BlockShape) *Shape {
	header := &hcl.BodySchema{}
	for _, name := range attributes {
		header.Attributes = append(header.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, b := range blocks {
		header.Blocks = append(header.Blocks, hcl.BlockHeaderSchema{Type: b.Type, LabelNames: b.Labels})
	}
	return shapeOf(header)
}

// has says whether blocks of that type may be there, written out.
func (s *Shape) has(kind string) bool {
	_, ok := s.blocks[kind]
	return ok && kind != "dynamic"
}

func shapeOf(header *hcl.BodySchema) *Shape {
	s := &Shape{
		attributes: make(map[string]struct{}, len(header.Attributes)),
		blocks:     make(map[string][]string, len(header.Blocks)),
		header:     header,
	}
	for _, a := range header.Attributes {
		s.attributes[a.Name] = struct{}{}
		s.attributeNames = append(s.attributeNames, a.Name)
		if a.Required {
			if s.required == nil {
				s.required = map[string]struct{}{}
			}
			s.required[a.Name] = struct{}{}
		}
	}
	for _, b := range header.Blocks {
		s.blocks[b.Type] = b.LabelNames
		s.blockNames = append(s.blockNames, b.Type)
	}
	return s
}

// Attributes returns the names of the attributes, in the order they were given.
func (s *Shape) Attributes() []string { return slices.Clone(s.attributeNames) }
