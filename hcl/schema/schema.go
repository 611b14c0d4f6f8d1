// Package schema is what a plugin says its configuration block may hold, and decodes blocks by it: a wrong attribute of
// anybody's check type is reported at its file, line and column, as one of evenkeel's own language is.
//
// It has the shape of the plugins' own declaration (plugins/sdk.Schema), which the core translates: the language knows
// nothing of processes.
package schema

import "encoding/json"

// A Schema declares the attributes and blocks of a block's body.
type Schema struct {
	Doc        string
	Attributes []Attribute
	Blocks     []BlockType
	Weighs     bool // of a check type: what it says may change the weight of a real server
	Egress     bool // of a check type: its probes have a source, an interface and a mark
}

// An Attribute is one "name = value".
type Attribute struct {
	Name      string
	Type      Type
	Required  bool
	Default   json.RawMessage // JSON of the value used when it is not written; nil: absent
	OneOf     []string        // the only values allowed, for strings
	Sensitive bool
	Doc       string
}

// A BlockType is a block inside the body.
type BlockType struct {
	Name     string
	Schema   Schema
	Repeated bool // its value is a list
	Required bool
}

// A Type is an attribute's type, with its unit.
type Type string

// The types. A duration is a string with a unit; a bare number is refused.
const (
	String     Type = "string"
	Bool       Type = "bool"
	Int        Type = "int"
	Number     Type = "number"
	Duration   Type = "duration"
	Address    Type = "address"
	Port       Type = "port"
	StringList Type = "list(string)"
	StringMap  Type = "map(string)"
)

// A Problem is what a plugin says of a block's values beyond its schema. Path leads to the attribute (["request", "0",
// "path"]); an empty one means the block itself. [Decoder.Range] finds its place in the file.
type Problem struct {
	Path    []string
	Summary string // what is wrong, in a few words
	Detail  string // what to write instead
}
