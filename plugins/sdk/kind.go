package sdk

import "fmt"

// A Kind is what a plugin is for; each kind has one interface and one service on the wire.
type Kind string

// The kinds of plugins.
const (
	KindCheck     Kind = "check"
	KindBalancer  Kind = "balancer"
	KindVRRP      Kind = "vrrp"
	KindNotify    Kind = "notify"
	KindProvision Kind = "provision"
)

// Info says what a plugin is.
type Info struct {
	Kind    Kind   // set by NewCheck and its siblings
	Name    string // the type's name in the configuration: "http" in check "http"
	Version string // the plugin's own version, for status and logs
	Schema  Schema // what its block in the configuration may hold
}

// String returns kind and name as they are written in logs, as in "check-http"; a balancer or vrrp plugin is the only
// one of its kind and goes by its name alone.
func (i Info) String() string {
	switch i.Kind {
	case KindBalancer, KindVRRP:
		return i.Name
	}
	return fmt.Sprintf("%s-%s", i.Kind, i.Name)
}

// A Diagnostic is a complaint of a plugin about the values of one configuration block. Path leads to the attribute
// (["request", "0", "path"]); the core turns it into file, line and column. An empty path means the block itself.
type Diagnostic struct {
	Path    []string
	Summary string // what is wrong, in a few words
	Detail  string // what to write instead
}

// Error returns the path and the summary.
func (d Diagnostic) Error() string {
	s := d.Summary
	if d.Detail != "" {
		s += ": " + d.Detail
	}
	for i := len(d.Path) - 1; i >= 0; i-- {
		s = d.Path[i] + ": " + s
	}
	return s
}
