package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Missing is the complaint about a required attribute that was not written.
func Missing(name string, at hcl.Range) *hcl.Diagnostic {
	return complaint(at, "Missing attribute", "%q is required here: add %s = ...", name, name)
}

// complaint returns an error at a place: a summary, and what to write instead.
func complaint(at hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at}
}

func (b *body) unknownAttribute(a *hclsyntax.Attribute, s *Shape) *hcl.Diagnostic {
	detail := fmt.Sprintf("There is no attribute %q here.", a.Name)
	if hint := b.hints(a.Name); hint != "" {
		detail += " " + hint
	} else if _, ok := s.blocks[a.Name]; ok {
		detail += fmt.Sprintf(" %s is a block: write it as %s { ... }, without the equals sign.", a.Name, header(a.Name, s.blocks[a.Name]))
	} else if near := Nearest(a.Name, s.attributeNames); near != "" {
		detail += fmt.Sprintf(" Did you mean %q?", near)
	} else if near := Nearest(a.Name, s.blockNames); near != "" {
		detail += fmt.Sprintf(" Did you mean the block %s { ... }?", header(near, s.blocks[near]))
	} else if len(s.attributeNames) > 0 {
		detail += fmt.Sprintf(" Known are: %s.", list(s.attributeNames))
	}
	return complaint(a.NameRange, "Unknown attribute", "%s", detail)
}

func (b *body) unknownBlock(block *hclsyntax.Block, s *Shape) *hcl.Diagnostic {
	return b.unknown(block.Type, block.TypeRange, s)
}

// unknown is the complaint about a type of block that the shape does not have.
func (b *body) unknown(kind string, at hcl.Range, s *Shape) *hcl.Diagnostic {
	known := make([]string, 0, len(s.blockNames))
	for _, name := range s.blockNames {
		if name != "dynamic" { // which dynblock adds
			known = append(known, name)
		}
	}
	detail := fmt.Sprintf("There is no block %q here.", kind)
	if hint := b.hints(kind); hint != "" {
		detail += " " + hint
	} else if _, ok := s.attributes[kind]; ok {
		detail += fmt.Sprintf(" %s is an attribute: write %s = ..., with an equals sign.", kind, kind)
	} else if near := Nearest(kind, known); near != "" {
		detail += fmt.Sprintf(" Did you mean %q?", near)
	} else if len(known) > 0 {
		detail += fmt.Sprintf(" Known are: %s.", list(known))
	} else {
		detail += " No blocks are known here."
	}
	return complaint(at, "Unknown block", "%s", detail)
}

func wrongLabels(block *hclsyntax.Block, labels []string) *hcl.Diagnostic {
	if len(block.Labels) > len(labels) {
		return complaint(block.LabelRanges[len(labels)], "Wrong number of labels",
			"Write %s { ... }.", header(block.Type, labels))
	}
	return complaint(block.DefRange(), "Wrong number of labels", "Write %s { ... }.", header(block.Type, labels))
}

// header returns a block's header as it is to be written: check "TYPE" "NAME".
func header(kind string, labels []string) string {
	var s strings.Builder
	s.WriteString(kind)
	for _, l := range labels {
		fmt.Fprintf(&s, " %q", strings.ToUpper(l))
	}
	return s.String()
}

func list(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	return strings.Join(names, ", ")
}
