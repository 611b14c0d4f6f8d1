package load

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A page is a file that something is said of: it is parsed again for that, so that nothing of a good file is kept.
type page struct {
	text  []byte
	body  *hclsyntax.Body
	lines []int // offset of each line's first byte
}

// open returns the page of a file; nil if there is no such file.
func open(pages map[string]*page, sources []Source, name string) *page {
	if p := pages[name]; p != nil {
		return p
	}
	for _, s := range sources {
		if s.Name != name {
			continue
		}
		f, _ := parse(s)
		p := &page{text: s.Text, body: f.body, lines: []int{0}}
		for i, c := range s.Text {
			if c == '\n' {
				p.lines = append(p.lines, i+1)
			}
		}
		pages[name] = p
		return p
	}
	return nil
}

// excerpt writes the line in which a range begins, and marks the range: underlined, or without colours by carets below it.
func (p *page) excerpt(s *strings.Builder, at hcl.Range, mark, off string) {
	n := at.Start.Line - 1
	if n < 0 || n >= len(p.lines) {
		return
	}
	begin, end := p.lines[n], len(p.text)
	if n+1 < len(p.lines) {
		end = p.lines[n+1]
	}
	line := strings.TrimRight(string(p.text[begin:end]), "\r\n")
	first := min(max(at.Start.Byte-begin, 0), len(line))
	last := min(max(at.End.Byte-begin, first), len(line))
	fmt.Fprintf(s, "%4d: %s%s%s%s%s\n", n+1, line[:first], mark, line[first:last], off, line[last:])
	if mark == "" {
		blank := strings.Map(func(r rune) rune {
			if r == '\t' {
				return r
			}
			return ' '
		}, line[:first])
		fmt.Fprintf(s, "      %s%s\n", blank, strings.Repeat("^", max(1, len([]rune(line[first:last])))))
	}
}

// context names the blocks around a place: virtual_server "web", real_server "192.0.2.1:80".
func (p *page) context(offset int) string {
	var names []string
	for body := p.body; ; {
		var in *hclsyntax.Block
		for _, b := range body.Blocks {
			if b.TypeRange.Start.Byte <= offset && offset <= b.CloseBraceRange.Start.Byte {
				in = b
				break
			}
		}
		if in == nil {
			return strings.Join(names, ", ")
		}
		name := in.Type
		for _, l := range in.Labels {
			name += fmt.Sprintf(" %q", l)
		}
		names = append(names, name)
		body = in.Body
	}
}
