package load

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Diagnostics is what there is to say about a configuration: errors, which mean that there is none, and warnings.
type Diagnostics struct {
	list    hcl.Diagnostics
	sources []Source
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
	return slices.Clone(d.sources)
}

// Explain returns diagnostics of a file that was not loaded, so that they can be written as the loader's own.
func Explain(s Source, diags hcl.Diagnostics) *Diagnostics {
	d := &Diagnostics{list: slices.Clone(diags), sources: []Source{s}}
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

// finish puts the diagnostics in order. What is said twice of one place is said once, and what HCL says of no place is
// said of the first file.
func (d *Diagnostics) finish() {
	order := map[string]int{}
	for i, s := range d.sources {
		if _, ok := order[s.Name]; !ok {
			order[s.Name] = i
		}
	}
	for i, x := range d.list {
		if x.Subject == nil {
			at := hcl.Range{Start: hcl.InitialPos, End: hcl.InitialPos}
			if len(d.sources) > 0 {
				at.Filename = d.sources[0].Name
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
	return write(w, d.list, d.sources, colour)
}

func write(w io.Writer, list hcl.Diagnostics, sources []Source, colour bool) error {
	pages := map[string]*page{}
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
		if p := open(pages, sources, x.Subject.Filename); p != nil {
			if in := p.context(x.Subject.Start.Byte); in != "" {
				fmt.Fprintf(&s, ", in %s", in)
			}
			s.WriteString(":\n")
			p.excerpt(&s, *x.Subject, mark, off)
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
