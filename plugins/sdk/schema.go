package sdk

import "encoding/json"

// A Schema declares what a plugin's block in the configuration may hold. It travels over the wire, and the core checks
// the block against it, so that a wrong attribute is reported at its file, line and column without asking the plugin.
// Go plugins derive it from a struct with SchemaOf.
type Schema struct {
	Doc        string // one sentence: what the type does
	Attributes []Attribute
	Blocks     []BlockType
	Weighs     bool // of a check type: its verdicts may have a Factor
	Egress     bool // of a check type: its probes leave as their target's Egress says
}

// An Attribute is one "name = value" of a block.
type Attribute struct {
	Name      string
	Type      Type
	Required  bool
	Default   json.RawMessage // JSON of the value used when it is not written; nil: absent
	OneOf     []string        // the only values allowed, for strings
	Sensitive bool            // never shown in status or logs
	Doc       string
}

// A BlockType is a block inside a block, as smtp {} in notify "mail".
type BlockType struct {
	Name     string
	Schema   Schema
	Repeated bool // may be written more than once; its value is a list
	Required bool // at least one
}

// A Type is the type of an attribute. On the wire a value is the JSON given beside each.
type Type string

// The types of attributes.
const (
	TypeString     Type = "string"
	TypeBool       Type = "bool"
	TypeInt        Type = "int"
	TypeNumber     Type = "number"
	TypeDuration   Type = "duration" // a string with a unit, "1.5s"; a bare number is refused
	TypeAddress    Type = "address"  // an IPv4 or IPv6 address, as a string
	TypePort       Type = "port"     // 1 to 65535, as a number
	TypeStringList Type = "list(string)"
	TypeStringMap  Type = "map(string)"
)
