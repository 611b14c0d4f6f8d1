package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
)

// A Validator is a configuration struct with rules beyond its schema: two attributes that exclude each other, a regular
// expression that must compile. It is asked when the configuration is read, and its complaints are shown at the file,
// line and column that their paths lead to. It may keep what it has made of the values in fields of its own.
type Validator interface {
	Validate() []Diagnostic
}

// Decode reads the JSON of a configuration block into a struct with SchemaOf's tags, strictly: an attribute that is not
// in the schema, is missing or of another type is an error. Defaults are filled in. The error joins all Diagnostics.
func Decode[T any](config json.RawMessage) (T, error) {
	v, diagnostics := decode[T](config)
	errs := make([]error, len(diagnostics))
	for i, d := range diagnostics {
		errs[i] = d
	}
	return v, errors.Join(errs...)
}

// decode is Decode with its complaints apart. A value with complaints is not to be used.
func decode[T any](config json.RawMessage) (T, []Diagnostic) {
	var v T
	f, err := fieldsOf(reflect.TypeFor[T]())
	if err != nil {
		return v, []Diagnostic{{Summary: err.Error()}}
	}
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	d := &decoder{}
	d.body(f, reflect.ValueOf(&v).Elem(), config, nil)
	if len(d.diagnostics) > 0 {
		return v, d.diagnostics
	}
	if c, ok := any(&v).(Validator); ok {
		diagnostics := c.Validate() // which may also prepare v
		return v, diagnostics
	}
	return v, nil
}

type decoder struct{ diagnostics []Diagnostic }

func (d *decoder) complain(path []string, format string, args ...any) {
	d.diagnostics = append(d.diagnostics, Diagnostic{Path: slices.Clone(path), Summary: fmt.Sprintf(format, args...)})
}

// body reads one object, the block itself or one inside it.
func (d *decoder) body(f *fields, into reflect.Value, raw json.RawMessage, path []string) {
	values, err := readJSON[map[string]json.RawMessage](raw, "a block")
	if err != nil {
		d.complain(path, "%v", err)
		return
	}
	for _, a := range f.attributes {
		value, ok := values[a.Name]
		delete(values, a.Name)
		d.attribute(a, into.FieldByIndex(a.index), value, ok, append(path, a.Name))
	}
	for _, b := range f.blocks {
		value, ok := values[b.Name]
		delete(values, b.Name)
		d.block(b, into.FieldByIndex(b.index), value, ok, append(path, b.Name))
	}
	for name := range values {
		d.complain(append(path, clip(name)), "there is no such attribute")
	}
}

func (d *decoder) attribute(a attributeField, into reflect.Value, raw json.RawMessage, written bool, path []string) {
	switch {
	case written:
	case a.Required:
		d.complain(path, "it is required")
		return
	case a.Default == nil:
		return
	default:
		raw = a.Default
	}
	v, err := readValue(a.Type, a.OneOf, raw)
	if err != nil {
		d.complain(path, "%v", err)
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch v := v.(type) {
	case int64:
		if into.CanInt() && !into.OverflowInt(v) {
			into.SetInt(v)
		} else if into.CanUint() && v >= 0 && !into.OverflowUint(uint64(v)) {
			into.SetUint(uint64(v))
		} else {
			d.complain(path, "%d is out of range", v)
		}
	default:
		into.Set(reflect.ValueOf(v).Convert(into.Type()))
	}
}

func (d *decoder) block(b blockField, into reflect.Value, raw json.RawMessage, written bool, path []string) {
	if !written {
		switch {
		case b.Required:
			d.complain(path, "the block is required")
		case into.Kind() == reflect.Struct:
			b.fields.fill(into)
		}
		return
	}
	switch {
	case b.Repeated:
		list, err := readJSON[[]json.RawMessage](raw, "a list of blocks")
		switch {
		case err != nil:
			d.complain(path, "%v", err)
		case b.Required && len(list) == 0:
			d.complain(path, "the block is required")
		default:
			into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
			for i, raw := range list {
				d.body(b.fields, into.Index(i), raw, append(path, strconv.Itoa(i)))
			}
		}
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(b.elem))
		d.body(b.fields, into.Elem(), raw, path)
	default:
		d.body(b.fields, into, raw, path)
	}
}

// fill gives a block that was not written its defaults.
func (f *fields) fill(into reflect.Value) {
	d := &decoder{} // defaults have been checked
	for _, a := range f.attributes {
		if a.Default != nil {
			d.attribute(a, into.FieldByIndex(a.index), nil, false, nil)
		}
	}
	for _, b := range f.blocks {
		if v := into.FieldByIndex(b.index); v.Kind() == reflect.Struct {
			b.fields.fill(v)
		}
	}
}
