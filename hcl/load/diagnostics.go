package load

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Diagnostics is what there is to say about a configuration: errors, which mean that there is none, and warnings.
type Diagnostics struct {
	list    hcl.Diagnostics
	files   []*file
	readErr error
}

// HasErrors says whether there is an error among them.
func (d *Diagnostics) HasErrors() bool { return d.list.HasErrors() }

// Unreadable returns the errors of files that could not be read, or nil.
func (d *Diagnostics) Unreadable() error { return d.readErr }

// All returns every diagnostic, in the order of the files and lines.
func (d *Diagnostics) All() hcl.Diagnostics { return d.list }

// Sources returns the texts of the files that were read.
func (d *Diagnostics) Sources() []Source {
	sources := make([]Source, len(d.files))
	for i, f := range d.files {
		sources[i] = f.Source
	}
	return sources
}

// Explain returns diagnostics of a file that was not loaded, so that they can be written as the loader's own.
func Explain(s Source, diags hcl.Diagnostics) *Diagnostics {
	f, _ := parse(s)
	d := &Diagnostics{list: slices.Clone(diags), files: []*file{f}}
	d.finish()
	return d
}

// Error returns the first error in one line, and how many more there are.
func (d *Diagnostics) Error() string {
	errs := d.list.Errs()
	if len(errs) == 0 {
		return "no errors"
	}
	for _, x := range d.list {
		if x.Severity == hcl.DiagError {
			if len(errs) > 1 {
				return fmt.Sprintf("%s, and %d more", oneLine(x), len(errs)-1)
			}
			return oneLine(x)
		}
	}
	return errs[0].Error()
}

// Warnings returns each warning in one line: "file:line,column: summary: detail".
func (d *Diagnostics) Warnings() []string {
	var ws []string
	for _, x := range d.list {
		if x.Severity == hcl.DiagWarning {
			ws = append(ws, oneLine(x))
		}
	}
	return ws
}

func oneLine(x *hcl.Diagnostic) string {
	return fmt.Sprintf("%s: %s: %s", place(*x.Subject), x.Summary, x.Detail)
}

func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}

func (d *Diagnostics) add(diags ...*hcl.Diagnostic) { d.list = append(d.list, diags...) }

func (d *Diagnostics) keep(f *file) { d.files = append(d.files, f) }

// finish puts the diagnostics in order. What is said twice of one place is said once, and what HCL says of no place is
// said of the first file.
func (d *Diagnostics) finish() {
	order := map[string]int{}
	for i, f := range d.files {
		if _, ok := order[f.Name]; !ok {
			order[f.Name] = i
		}
	}
	for i, x := range d.list {
		if x.Subject == nil {
			at := hcl.Range{Start: hcl.InitialPos, End: hcl.InitialPos}
			if len(d.files) > 0 {
				at.Filename = d.files[0].Name
			}
			c := *x
			c.Subject = &at
			d.list[i] = &c
		}
	}
	slices.SortStableFunc(d.list, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(
			cmp.Compare(order[a.Subject.Filename], order[b.Subject.Filename]),
			cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
			cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
	d.list = slices.CompactFunc(d.list, func(a, b *hcl.Diagnostic) bool {
		return *a.Subject == *b.Subject && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

// Text returns the diagnostics as [Diagnostics.Write] writes them, without colours.
func (d *Diagnostics) Text() string {
	var s strings.Builder
	_ = d.Write(&s, false) // a strings.Builder takes everything
	return s.String()
}

// Write writes the diagnostics for people: what is wrong, where (file:line,column), the line itself with the place marked,
// and what to write instead. With colour, errors are red, warnings yellow, and the place is underlined.
func (d *Diagnostics) Write(w io.Writer, colour bool) error {
	return write(w, d.list, d.files, colour)
}

func write(w io.Writer, list hcl.Diagnostics, files []*file, colour bool) error {
	for i, x := range list {
		var s strings.Builder
		if i > 0 {
			s.WriteByte('\n')
		}
		word, on, mark, off := "Error", "\x1b[1;31m", "\x1b[1;4m", "\x1b[0m"
		if x.Severity == hcl.DiagWarning {
			word, on = "Warning", "\x1b[1;33m"
		}
		if !colour {
			on, mark, off = "", "", ""
		}
		fmt.Fprintf(&s, "%s%s%s: %s\n", on, word, off, x.Summary)
		fmt.Fprintf(&s, "  on %s", place(*x.Subject))
		for _, f := range files {
			if f.Name != x.Subject.Filename {
				continue
			}
			if in := f.context(x.Subject.Start.Byte); in != "" {
				fmt.Fprintf(&s, ", in %s", in)
			}
			s.WriteString(":\n")
			f.excerpt(&s, *x.Subject, mark, off)
			break
		}
		if !strings.HasSuffix(s.String(), "\n") {
			s.WriteByte('\n')
		}
		values(&s, x)
		if x.Detail != "" {
			fmt.Fprintf(&s, "  %s\n", x.Detail)
		}
		if _, err := io.WriteString(w, s.String()); err != nil {
			return fmt.Errorf("writing diagnostics: %w", err)
		}
	}
	return nil
}

// excerpt writes the line in which a range begins, and marks the range: underlined, or without colours by carets below it.
func (f *file) excerpt(s *strings.Builder, at hcl.Range, mark, off string) {
	if f.lines == nil {
		f.lines = append(f.lines, 0)
		for i, c := range f.Text {
			if c == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	n := at.Start.Line - 1
	if n < 0 || n >= len(f.lines) {
		return
	}
	begin, end := f.lines[n], len(f.Text)
	if n+1 < len(f.lines) {
		end = f.lines[n+1]
	}
	line := strings.TrimRight(string(f.Text[begin:end]), "\r\n")
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
func (f *file) context(offset int) string {
	if f.body == nil {
		return ""
	}
	var names []string
	for body := f.body; ; {
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

// values writes what the variables of an expression that could not be evaluated were.
func values(s *strings.Builder, x *hcl.Diagnostic) {
	if x.Expression == nil || x.EvalContext == nil {
		return
	}
	seen := map[string]bool{}
	for _, t := range x.Expression.Variables() {
		v, diags := t.TraverseAbs(x.EvalContext)
		name := traversalText(t)
		if diags.HasErrors() || seen[name] || !v.IsKnown() || v.IsNull() {
			continue
		}
		seen[name] = true
		switch v.Type() {
		case cty.String:
			fmt.Fprintf(s, "  with %s = %q\n", name, v.AsString())
		case cty.Number:
			fmt.Fprintf(s, "  with %s = %s\n", name, v.AsBigFloat().Text('g', 10))
		case cty.Bool:
			fmt.Fprintf(s, "  with %s = %t\n", name, v.True())
		}
	}
}
