package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Decoder is a schema made ready to decode bodies. It may be used by several goroutines.
type Decoder struct {
	shape    *Shape
	fields   []field // sorted by name, which is the order of the canonical JSON
	defaults json.RawMessage
}

// A field is an attribute or a block of the schema.
type field struct {
	key       []byte // `"name":`
	name      string
	attribute *Attribute
	standard  []byte // JSON of the default in canonical form; nil: none
	block     *BlockType
	inner     *Decoder // of block
}

// Compile checks a schema and makes it ready. common names the attributes and blocks that the body may hold beside the
// schema's, and that somebody else reads: the schema may not declare one of them.
func Compile(s Schema, common ...string) (*Decoder, error) {
	d := &Decoder{}
	var attributes []string
	var blocks []BlockShape
	seen := make(map[string]bool)
	check := func(name string) error {
		switch {
		case !isName(name):
			return fmt.Errorf("%q is no name for an attribute or a block", name)
		case seen[name]:
			return fmt.Errorf("%q is declared twice", name)
		case slices.Contains(common, name):
			return fmt.Errorf("%q is declared, and it is the language's own (%s)", name, strings.Join(common, ", "))
		}
		seen[name] = true
		return nil
	}
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if err := check(a.Name); err != nil {
			return nil, err
		}
		if !a.Type.known() {
			return nil, fmt.Errorf("attribute %q has the unknown type %q", a.Name, a.Type)
		}
		standard, err := a.canonicalDefault()
		if err != nil {
			return nil, fmt.Errorf("default of attribute %q: %w", a.Name, err)
		}
		attributes = append(attributes, a.Name)
		d.fields = append(d.fields, field{key: key(a.Name), name: a.Name, attribute: a, standard: standard})
	}
	for i := range s.Blocks {
		b := &s.Blocks[i]
		if err := check(b.Name); err != nil {
			return nil, err
		}
		if b.Name == "dynamic" { // the language's own block, which repeats others
			return nil, fmt.Errorf("%q is no name for a block", b.Name)
		}
		inner, err := Compile(b.Schema)
		if err != nil {
			return nil, fmt.Errorf("block %q: %w", b.Name, err)
		}
		blocks = append(blocks, BlockShape{Type: b.Name})
		d.fields = append(d.fields, field{key: key(b.Name), name: b.Name, block: b, inner: inner})
	}
	slices.SortFunc(d.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	d.shape = NewShape(append(attributes, common...), blocks...)
	for _, name := range common {
		delete(d.shape.blocks, name)
	}
	return d, nil
}

// Shape is what the body may hold, the common names included.
func (d *Decoder) Shape() *Shape { return d.shape }

func (t Type) known() bool {
	switch t {
	case String, Bool, Int, Number, Duration, Address, Port, StringList, StringMap:
		return true
	}
	return false
}

// isName says whether a name can be written as an attribute or a block of HCL.
func isName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}

func key(name string) []byte { return append(quote(nil, name), ':') }

// canonicalDefault returns the default as Decode would write the same value.
func (a *Attribute) canonicalDefault() ([]byte, error) {
	if len(a.Default) == 0 || string(a.Default) == "null" {
		return nil, nil
	}
	read := func(into any) error {
		dec := json.NewDecoder(bytes.NewReader(a.Default))
		if err := dec.Decode(into); err != nil {
			return fmt.Errorf("%s is no %s: %w", a.Default, a.Type, err)
		}
		if dec.More() {
			return errors.New("more than one value")
		}
		return nil
	}
	switch a.Type {
	case String, Duration, Address:
		var s string
		if err := read(&s); err != nil {
			return nil, err
		}
		switch a.Type {
		case Duration:
			t, err := ParseDuration(s)
			if err != nil {
				return nil, err
			}
			s = FormatDuration(t)
		case Address:
			addr, err := ParseAddress(s)
			if err != nil {
				return nil, err
			}
			s = addr.String()
		case String:
			if len(a.OneOf) > 0 && s != "" && !slices.Contains(a.OneOf, s) {
				return nil, fmt.Errorf("%q is not one of %s", s, quoted(a.OneOf))
			}
		}
		return quote(nil, s), nil
	case Bool:
		var b bool
		if err := read(&b); err != nil {
			return nil, err
		}
	case Int:
		var n int64
		if err := read(&n); err != nil {
			return nil, err
		}
	case Port:
		var n uint16
		if err := read(&n); err != nil {
			return nil, err
		}
	case Number:
		var f float64
		if err := read(&f); err != nil {
			return nil, err
		}
	case StringList:
		var l []string
		if err := read(&l); err != nil {
			return nil, err
		}
		return appendStrings(nil, l), nil
	case StringMap:
		var m map[string]string
		if err := read(&m); err != nil {
			return nil, err
		}
		return appendMap(nil, m), nil
	}
	return bytes.TrimSpace(a.Default), nil
}
