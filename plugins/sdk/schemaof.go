package sdk

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"
)

// SchemaOf declares the schema of a configuration struct from its fields' tags:
//
//	Path    string        `attr:"path" default:"/" doc:"what to ask for"`
//	Method  string        `attr:"method" default:"GET" oneof:"GET,HEAD"`
//	Port    uint16        `attr:"port_override" type:"port"`
//	Token   string        `attr:"token" sensitive:"true" required:"true"`
//	Request []Request     `block:"request" doc:"one request after the other"`
//	SMTP    *SMTP         `block:"smtp" required:"true"`
//
// Types are string, bool, the int types, float64, time.Duration, netip.Addr, uint16 with type:"port", []string and
// map[string]string, or a pointer to one of them, which is nil when the attribute was not written. The default of a list
// is "a,b" or JSON. A block is a struct, a pointer to one (nil when it was not written), or a slice of them, which may be
// repeated. A struct that is embedded without a tag gives its attributes and blocks to the one around it, as if they were
// written there: dialog.TLSOptions. Other fields with neither attr nor block are the plugin's own.
//
// A struct that can't be a schema is its author's mistake, as a bad regular expression is: SchemaOf panics.
func SchemaOf[T any]() Schema {
	f, err := fieldsOf(reflect.TypeFor[T]())
	if err != nil {
		panic(fmt.Sprintf("sdk: the schema of %s: %v", reflect.TypeFor[T](), err))
	}
	s := f.schema()
	if err := s.Check(); err != nil {
		panic(fmt.Sprintf("sdk: the schema of %s: %v", reflect.TypeFor[T](), err))
	}
	return s
}

// fields are the attributes and blocks of a configuration struct, with their places in it.
type fields struct {
	attributes []attributeField
	blocks     []blockField
}

type attributeField struct {
	Attribute
	index []int // as reflect.Value.FieldByIndex takes it
}

type blockField struct {
	BlockType
	index  []int
	fields *fields
	elem   reflect.Type // the struct
}

func (f *fields) schema() (s Schema) {
	for _, a := range f.attributes {
		s.Attributes = append(s.Attributes, a.Attribute)
	}
	for _, b := range f.blocks {
		s.Blocks = append(s.Blocks, b.BlockType)
	}
	return s
}

func fieldsOf(t reflect.Type) (*fields, error) {
	return fieldsWithin(t, 0)
}

func fieldsWithin(t reflect.Type, depth int) (*fields, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is not a struct", t)
	}
	if depth > maxSchemaDepth {
		return nil, fmt.Errorf("blocks lie more than %d deep", maxSchemaDepth)
	}
	f := &fields{}
	return f, f.add(t, nil, depth)
}

// add adds those of a struct that lies at the index.
func (f *fields) add(t reflect.Type, at []int, depth int) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(slices.Clone(at), i)
		attr, isAttr := sf.Tag.Lookup("attr")
		block, isBlock := sf.Tag.Lookup("block")
		switch {
		case !isAttr && !isBlock && sf.Anonymous && sf.Type.Kind() == reflect.Struct:
			if err := f.add(sf.Type, index, depth); err != nil {
				return err
			}
		case !isAttr && !isBlock:
			continue
		case isAttr && isBlock:
			return fmt.Errorf("field %s is both attribute and block", sf.Name)
		case !sf.IsExported():
			return fmt.Errorf("field %s is not exported", sf.Name)
		case isAttr:
			a, err := attributeOf(attr, sf)
			if err != nil {
				return fmt.Errorf("field %s: %w", sf.Name, err)
			}
			f.attributes = append(f.attributes, attributeField{a, index})
		default:
			b, err := blockOf(block, sf, depth)
			if err != nil {
				return fmt.Errorf("field %s: %w", sf.Name, err)
			}
			b.index = index
			f.blocks = append(f.blocks, b)
		}
	}
	return nil
}

func attributeOf(name string, sf reflect.StructField) (a Attribute, err error) {
	a = Attribute{
		Name:      name,
		Required:  sf.Tag.Get("required") == "true",
		Sensitive: sf.Tag.Get("sensitive") == "true",
		Doc:       sf.Tag.Get("doc"),
	}
	if v, ok := sf.Tag.Lookup("oneof"); ok {
		a.OneOf = splitList(v)
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if a.Type, err = typeOf(t, sf.Tag.Get("type")); err != nil {
		return a, err
	}
	if v, ok := sf.Tag.Lookup("default"); ok {
		if a.Default, err = writeDefault(a.Type, v); err != nil {
			return a, fmt.Errorf("default %q: %w", v, err)
		}
	}
	return a, a.check()
}

// typeOf returns the type of attribute that a Go type holds.
func typeOf(t reflect.Type, tag string) (Type, error) {
	switch {
	case tag == "port" && t.Kind() == reflect.Uint16:
		return TypePort, nil
	case tag != "":
		return "", fmt.Errorf("type:%q does not go with %s", tag, t)
	case t == reflect.TypeFor[time.Duration]():
		return TypeDuration, nil
	case t == reflect.TypeFor[netip.Addr]():
		return TypeAddress, nil
	}
	switch t.Kind() {
	case reflect.String:
		return TypeString, nil
	case reflect.Bool:
		return TypeBool, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return TypeInt, nil
	case reflect.Float64:
		return TypeNumber, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return TypeStringList, nil
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String {
			return TypeStringMap, nil
		}
	}
	return "", fmt.Errorf("no attribute can be a %s", t)
}

func blockOf(name string, sf reflect.StructField, depth int) (b blockField, err error) {
	b.BlockType = BlockType{Name: name, Required: sf.Tag.Get("required") == "true"}
	b.elem = sf.Type
	switch sf.Type.Kind() {
	case reflect.Slice:
		b.Repeated, b.elem = true, sf.Type.Elem()
	case reflect.Pointer:
		b.elem = sf.Type.Elem()
	}
	if b.fields, err = fieldsWithin(b.elem, depth+1); err != nil {
		return b, err
	}
	b.Schema = b.fields.schema()
	b.Schema.Doc = sf.Tag.Get("doc")
	return b, nil
}
