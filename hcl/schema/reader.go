package schema

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A Reader turns attributes into values of Go, and collects what is wrong with them. Every method returns ok false for an
// attribute that was not written, that is null, or whose value is wrong; a wrong one has left a diagnostic behind.
type Reader struct {
	Context *hcl.EvalContext
	// Explain may replace what HCL says about an expression that cannot be evaluated. nil leaves it as it is.
	Explain func(hcl.Expression, hcl.Diagnostics) hcl.Diagnostics
	Diags   hcl.Diagnostics
}

// Errorf adds an error at a place: what is wrong in a few words, and what to write instead.
func (r *Reader) Errorf(at hcl.Range, summary, detail string, args ...any) {
	r.Diags = append(r.Diags, complaint(at, summary, detail, args...))
}

// Warnf adds a warning at a place.
func (r *Reader) Warnf(at hcl.Range, summary, detail string, args ...any) {
	d := complaint(at, summary, detail, args...)
	d.Severity = hcl.DiagWarning
	r.Diags = append(r.Diags, d)
}

// Read is [Read] with the reader's context and diagnostics. An attribute whose value is null is taken for one that was not
// written, as in other languages on HCL: that is how a condition leaves one out.
func (r *Reader) Read(b hcl.Body, s *Shape) Content {
	c, diags := Read(b, s, r.Context)
	if len(diags) > 0 {
		r.Diags = append(r.Diags, r.explain(nil, diags)...)
	}
	for name, a := range c.native {
		r.leaveOutNull(&c, name, a.Expr)
	}
	for name, a := range c.general {
		r.leaveOutNull(&c, name, a.Expr)
	}
	return c
}

func (r *Reader) leaveOutNull(c *Content, name string, e hcl.Expression) {
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr, *hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr:
		return
	case *hclsyntax.LiteralValueExpr:
		if !e.Val.IsNull() {
			return
		}
	default:
		if v, diags := e.Value(r.Context); diags.HasErrors() || !v.IsNull() {
			return // an error is reported when the value is read
		}
	}
	if c.absent == nil {
		c.absent = map[string]bool{}
	}
	c.absent[name] = true
}

func (r *Reader) explain(e hcl.Expression, diags hcl.Diagnostics) hcl.Diagnostics {
	if r.Explain == nil || len(diags) == 0 {
		return diags
	}
	return r.Explain(e, diags)
}

// literal returns the value of an expression that is written out, without evaluating anything: most of a configuration is,
// and evaluation costs more than all the rest.
func literal(e hcl.Expression) (cty.Value, bool) {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.Val, true
	case *hclsyntax.TemplateExpr:
		if len(e.Parts) == 1 {
			if l, ok := e.Parts[0].(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
				return l.Val, true
			}
		}
	}
	return cty.NilVal, false
}

// Value evaluates an attribute, whatever its type. It is null only if ok is false.
func (r *Reader) Value(a Attr) (v cty.Value, ok bool) {
	if a.Expr == nil {
		return cty.NilVal, false
	}
	return r.value(a.Expr)
}

func (r *Reader) value(e hcl.Expression) (cty.Value, bool) {
	if v, ok := literal(e); ok {
		return v, !v.IsNull()
	}
	v, diags := e.Value(r.Context)
	if len(diags) > 0 {
		r.Diags = append(r.Diags, r.explain(e, diags)...)
		if diags.HasErrors() {
			return cty.NilVal, false
		}
	}
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		r.unknown(e.Range())
		return cty.NilVal, false
	}
	return v, !v.IsNull()
}

// unknown reports a value that is not known. That comes of an expression elsewhere that could not be evaluated, and then
// there is nothing to add to what was said of that one.
func (r *Reader) unknown(at hcl.Range) {
	if !r.Diags.HasErrors() {
		r.Errorf(at, "Value not known", "The value of this expression is not known while the configuration is read.")
	}
}

func (r *Reader) wrongType(name string, e hcl.Expression, v cty.Value, want string) {
	r.Errorf(e.Range(), "Wrong type", "%s is %s, and this is %s.", name, want, describe(v))
}

func describe(v cty.Value) string {
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return fmt.Sprintf("the string %q", shorten(v.AsString()))
	case t == cty.Number:
		return "the number " + v.AsBigFloat().Text('g', 10)
	case t == cty.Bool:
		return fmt.Sprintf("%t", v.True())
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	}
	return "a " + t.FriendlyName()
}

// String reads a string.
func (r *Reader) String(a Attr) (string, bool) {
	v, ok := r.Value(a)
	if !ok {
		return "", false
	}
	return r.string(a.Name, a.Expr, v)
}

func (r *Reader) string(name string, e hcl.Expression, v cty.Value) (string, bool) {
	if v.IsNull() || v.Type() != cty.String {
		if v.Type() == cty.Number && !v.IsNull() {
			r.Errorf(e.Range(), "Wrong type", "%s is a string, and this is a number: write it in quotes.", name)
		} else {
			r.wrongType(name, e, v, "a string")
		}
		return "", false
	}
	return v.AsString(), true
}

// Word reads a string that must be one of a few.
func (r *Reader) Word(a Attr, words ...string) (string, bool) {
	s, ok := r.String(a)
	if !ok {
		return "", false
	}
	for _, w := range words {
		if s == w {
			return s, true
		}
	}
	detail := fmt.Sprintf("%s is one of %s.", a.Name, quoted(words))
	if len(words) == 1 {
		detail = fmt.Sprintf("%s is %q, or left out.", a.Name, words[0])
	} else if near := Nearest(s, words); near != "" {
		detail = fmt.Sprintf("Did you mean %q? %s", near, detail)
	}
	r.Errorf(a.Expr.Range(), "Unknown "+a.Name, "%s", detail)
	return "", false
}

// Bool reads true or false.
func (r *Reader) Bool(a Attr) (value, ok bool) {
	v, ok := r.Value(a)
	if !ok {
		return false, false
	}
	if v.Type() != cty.Bool {
		r.wrongType(a.Name, a.Expr, v, "true or false, without quotes")
		return false, false
	}
	return v.True(), true
}

// Int reads a whole number from first to last.
func (r *Reader) Int(a Attr, first, last int64) (int64, bool) {
	v, ok := r.Value(a)
	if !ok {
		return 0, false
	}
	if v.Type() != cty.Number {
		want := "a whole number"
		if v.Type() == cty.String {
			if _, err := strconv.Atoi(v.AsString()); err == nil {
				want = "a whole number without quotes"
			}
		}
		r.wrongType(a.Name, a.Expr, v, want)
		return 0, false
	}
	f := v.AsBigFloat()
	n, accuracy := f.Int64()
	if !f.IsInt() || accuracy != 0 || n < first || n > last {
		if first == math.MinInt64 && last == math.MaxInt64 {
			r.wrongType(a.Name, a.Expr, v, "a whole number")
		} else {
			r.Errorf(a.Expr.Range(), "Number out of range", "%s is a whole number from %d to %d, and this is %s.", a.Name, first, last, f.Text('g', 20))
		}
		return 0, false
	}
	return n, true
}

// Number reads any number, as JSON has them.
func (r *Reader) Number(a Attr) (float64, bool) {
	v, ok := r.Value(a)
	if !ok {
		return 0, false
	}
	if v.Type() != cty.Number {
		r.wrongType(a.Name, a.Expr, v, "a number")
		return 0, false
	}
	f, _ := v.AsBigFloat().Float64()
	if math.IsInf(f, 0) {
		r.Errorf(a.Expr.Range(), "Number out of range", "%s is too large a number.", a.Name)
		return 0, false
	}
	return f, true
}

// Duration reads a string with a unit, "1.5s".
func (r *Reader) Duration(a Attr) (time.Duration, bool) {
	v, ok := r.Value(a)
	if !ok {
		return 0, false
	}
	if v.Type() != cty.String {
		if v.Type() == cty.Number {
			n := v.AsBigFloat().Text('g', 10)
			r.Errorf(a.Expr.Range(), "Duration without a unit", "%s is a duration, and a bare number does not say of what: write %s = \"%ss\" for seconds, or \"%sms\" for milliseconds.", a.Name, a.Name, n, n)
		} else {
			r.wrongType(a.Name, a.Expr, v, `a duration, as in "5s"`)
		}
		return 0, false
	}
	d, err := ParseDuration(v.AsString())
	if err != nil {
		r.Errorf(a.Expr.Range(), "Wrong duration", "%s: %v.", a.Name, err)
		return 0, false
	}
	return d, true
}

// Address reads an IP address.
func (r *Reader) Address(a Attr) (netip.Addr, bool) {
	s, ok := r.String(a)
	if !ok {
		return netip.Addr{}, false
	}
	addr, err := ParseAddress(s)
	if err != nil {
		r.Errorf(a.Expr.Range(), "Wrong address", "%s: %v.", a.Name, err)
		return netip.Addr{}, false
	}
	return addr, true
}

// Port reads a port, 1 to 65535.
func (r *Reader) Port(a Attr) (uint16, bool) {
	n, ok := r.Int(a, 1, 65535)
	return uint16(n), ok
}
