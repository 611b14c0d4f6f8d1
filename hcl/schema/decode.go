package schema

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Decode turns a body's content, which was read by the decoder's shape, into canonical JSON: an object with the attributes
// and blocks in the order of their names, durations and addresses in their one canonical form, defaults filled in. Equal
// configurations have equal JSON. What is wrong is left with the reader, and ok is false then. The common attributes are
// not touched.
func (d *Decoder) Decode(r *Reader, c *Content) (values json.RawMessage, ok bool) {
	// Most checks say nothing beyond the common attributes, and then they are all the same.
	if plain := len(c.Blocks) == 0 && !d.anyWritten(c); plain && d.defaults != nil {
		return d.defaults, true
	}
	out, ok := d.append(make([]byte, 0, 128), r, c)
	if !ok {
		return nil, false
	}
	return out, true
}

// Defaults returns the JSON of a body in which nothing is written, and remembers it for Decode. It is nil if that is an
// error. It is called once, before the decoder is shared.
func (d *Decoder) Defaults() json.RawMessage {
	var r Reader
	if out, ok := d.append(nil, &r, &Content{}); ok {
		d.defaults = out
	}
	return d.defaults
}

func (d *Decoder) anyWritten(c *Content) bool {
	for i := range d.fields {
		if d.fields[i].attribute != nil && c.Attr(d.fields[i].name).Written() {
			return true
		}
	}
	return false
}

func (d *Decoder) append(out []byte, r *Reader, c *Content) ([]byte, bool) {
	ok := true
	out = append(out, '{')
	first := true
	for i := range d.fields {
		f := &d.fields[i]
		mark := len(out)
		if !first {
			out = append(out, ',')
		}
		out = append(out, f.key...)
		begin := len(out)
		var good bool
		if f.attribute != nil {
			out, good = f.appendAttribute(out, r, c)
		} else {
			out, good = f.appendBlocks(out, r, c)
		}
		ok = ok && good
		if len(out) == begin {
			out = out[:mark]
			continue
		}
		first = false
	}
	return append(out, '}'), ok
}

// appendAttribute appends the attribute's value, or nothing when it has none.
func (f *field) appendAttribute(out []byte, r *Reader, c *Content) ([]byte, bool) {
	a := c.Attr(f.name)
	errors := len(r.Diags)
	written, set := appendValue(out, r, a, f.attribute)
	if set {
		return written, true
	}
	if len(r.Diags) > errors {
		return out, false
	}
	if f.attribute.Required {
		r.Diags = append(r.Diags, Missing(f.name, c.Missing()))
		return out, false
	}
	return append(out, f.standard...), true
}

func appendValue(out []byte, r *Reader, a Attr, of *Attribute) ([]byte, bool) {
	if !a.Written() {
		return out, false
	}
	switch of.Type {
	case Bool:
		if v, ok := r.Bool(a); ok {
			return strconv.AppendBool(out, v), true
		}
	case Int:
		if v, ok := r.Int(a, math.MinInt64, math.MaxInt64); ok {
			return strconv.AppendInt(out, v, 10), true
		}
	case Number:
		if v, ok := r.Number(a); ok {
			b, _ := json.Marshal(v)
			return append(out, b...), true
		}
	case Port:
		if v, ok := r.Port(a); ok {
			return strconv.AppendUint(out, uint64(v), 10), true
		}
	case Duration:
		if v, ok := r.Duration(a); ok {
			return quote(out, FormatDuration(v)), true
		}
	case Address:
		if v, ok := r.Address(a); ok {
			return quote(out, v.String()), true
		}
	case StringList:
		if v, ok := r.Strings(a); ok {
			return appendStrings(out, v), true
		}
	case StringMap:
		if v, ok := r.StringMap(a); ok {
			return appendMap(out, v), true
		}
	default:
		if len(of.OneOf) > 0 {
			if v, ok := r.Word(a, of.OneOf...); ok {
				return quote(out, v), true
			}
		} else if v, ok := r.String(a); ok {
			return quote(out, v), true
		}
	}
	return out, false
}

// appendBlocks appends the blocks of one type: an object, a list of objects for a repeated one, or nothing.
func (f *field) appendBlocks(out []byte, r *Reader, c *Content) ([]byte, bool) {
	ok, n := true, 0
	for i := range c.Blocks {
		b := &c.Blocks[i]
		if b.Type != f.name {
			continue
		}
		n++
		switch {
		case n > 1 && !f.block.Repeated:
			r.Errorf(b.Range(), "Duplicate block", "%q is written only once here.", f.name)
			ok = false
			continue
		case n > 1:
			out = append(out, ',')
		case f.block.Repeated:
			out = append(out, '[')
		}
		inner := r.Read(b.Body(), f.inner.shape)
		errors := len(r.Diags)
		var good bool
		out, good = f.inner.append(out, r, &inner)
		ok = ok && good && len(r.Diags) == errors
	}
	switch {
	case n > 0 && f.block.Repeated:
		out = append(out, ']')
	case n == 0 && f.block.Required:
		r.Errorf(c.Missing(), "Missing block", "A block %s { ... } is required here.", f.name)
		ok = false
	}
	return out, ok
}

func appendStrings(out []byte, l []string) []byte {
	out = append(out, '[')
	for i, s := range l {
		if i > 0 {
			out = append(out, ',')
		}
		out = quote(out, s)
	}
	return append(out, ']')
}

func appendMap(out []byte, m map[string]string) []byte {
	out = append(out, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = quote(out, k)
		out = append(out, ':')
		out = quote(out, m[k])
	}
	return append(out, '}')
}

// quote appends a JSON string.
func quote(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			b, _ := json.Marshal(s) // a string always has a JSON
			return append(out, b...)
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"')
}
