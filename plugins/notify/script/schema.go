// Package script runs a program when something happened. So far it declares its part of the language, so that
// configurations are checked; its machinery comes with the notify actions.
package script

import (
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what notify "script" may hold.
type Config struct {
	Command []string      `attr:"command" required:"true" doc:"the program and its arguments; no shell is involved"`
	User    string        `attr:"user" default:"nobody" doc:"whom it runs as"`
	Timeout time.Duration `attr:"timeout" default:"30s" doc:"after it the program and its children are ended"`
}

// Plugin is what the language knows of it.
func Plugin() sdk.Plugin {
	return sdk.Declare[Config](sdk.Info{Kind: sdk.KindNotify, Name: "script"})
}
