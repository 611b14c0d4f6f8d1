package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxSchemaEntries bounds the attributes and blocks of one body.
const maxSchemaEntries = 256

func isAttributeName(s string) bool { return isWord(s, 64, "_") }

// reserved are the attributes that the language itself gives to blocks of a type; a schema that had one of them would
// never be asked for it.
var reserved = map[Kind][]string{
	KindCheck:     {"interval", "timeout", "retry_interval", "fall", "rise", "port", "address"},
	KindNotify:    {"on", "only"},
	KindProvision: {"virtual_servers"},
}

// Check says whether the schema itself makes sense: names that can be written in the configuration and are there once,
// types that exist, defaults that are of their type. The core refuses a plugin whose schema does not.
func (s Schema) Check() error { return s.check(0) }

func (s Schema) check(depth int) error {
	if depth > maxSchemaDepth {
		return fmt.Errorf("checking the schema: blocks lie more than %d deep", maxSchemaDepth)
	}
	if n := len(s.Attributes) + len(s.Blocks); n > maxSchemaEntries {
		return fmt.Errorf("checking the schema: %d attributes and blocks in one body, at most %d", n, maxSchemaEntries)
	}
	seen := make(map[string]bool)
	name := func(n string) error {
		switch {
		case !isAttributeName(n):
			return fmt.Errorf("checking the schema: %q is not a name: lower-case letters, digits and _", clip(n))
		case seen[n]:
			return fmt.Errorf("checking the schema: %q is declared twice", n)
		}
		seen[n] = true
		return nil
	}
	for _, a := range s.Attributes {
		if err := name(a.Name); err != nil {
			return err
		}
		if err := a.check(); err != nil {
			return fmt.Errorf("checking the schema: attribute %q: %w", a.Name, err)
		}
	}
	for _, b := range s.Blocks {
		if err := name(b.Name); err != nil {
			return err
		}
		if err := b.Schema.check(depth + 1); err != nil {
			return fmt.Errorf("block %q: %w", b.Name, err)
		}
	}
	return nil
}

func (a Attribute) check() error {
	switch a.Type {
	case TypeString:
	case TypeBool, TypeInt, TypeNumber, TypeDuration, TypeAddress, TypePort, TypeStringList, TypeStringMap:
		if len(a.OneOf) > 0 {
			return fmt.Errorf("one_of is for strings, not for %s", a.Type)
		}
	default:
		return fmt.Errorf("type %q does not exist", clip(string(a.Type)))
	}
	if a.Default == nil {
		return nil
	}
	if a.Required {
		return errors.New("it is required and has a default")
	}
	if !json.Valid(a.Default) {
		return fmt.Errorf("its default %q is not JSON", clip(string(a.Default)))
	}
	if _, err := readValue(a.Type, a.OneOf, a.Default); err != nil {
		return fmt.Errorf("its default: %w", err)
	}
	return nil
}

// Check says whether a plugin may be called what it is called, and whether its schema makes sense.
func (i Info) Check() error {
	switch i.Kind {
	case KindCheck, KindBalancer, KindVRRP, KindNotify, KindProvision:
	default:
		return fmt.Errorf("checking the plugin: kind %q does not exist", clip(string(i.Kind)))
	}
	if !isPluginName(i.Name) {
		return fmt.Errorf("checking the plugin: %q is not a name: lower-case letters, digits, - and _", clip(i.Name))
	}
	if err := i.Schema.Check(); err != nil {
		return err
	}
	for _, a := range i.Schema.Attributes {
		for _, r := range reserved[i.Kind] {
			if a.Name == r {
				return fmt.Errorf("checking the schema: attribute %q belongs to every %s block", r, i.Kind)
			}
		}
	}
	return nil
}

func isPluginName(s string) bool { return isWord(s, 32, "_-") }

// isWord says whether a text is a small letter and then small letters, digits and some others, at most so many together. No
// regular expression: to compile one costs every process that imports this package.
func isWord(s string, most int, others string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && strings.IndexByte(others, c) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= most
}
