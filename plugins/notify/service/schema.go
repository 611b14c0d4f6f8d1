// Package service starts, stops or restarts a service of the system when something happened. So far it declares its part
// of the language, so that configurations are checked; its machinery comes with the notify actions.
package service

import "github.com/evenkeel/evenkeel/plugins/sdk"

// Config is what notify "service" may hold.
type Config struct {
	Service string `attr:"service" required:"true" doc:"the service's name, as the system's service manager knows it"`
	Action  string `attr:"action" default:"restart" oneof:"start,stop,restart,reload" doc:"what to do with it"`
}

// Plugin is what the language knows of it.
func Plugin() sdk.Plugin {
	return sdk.Declare[Config](sdk.Info{Kind: sdk.KindNotify, Name: "service"})
}
