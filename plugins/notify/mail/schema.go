// Package mail tells people by mail what happened. So far it declares its part of the language, so that configurations
// are checked; its machinery comes with the notify actions.
package mail

import (
	"net/mail"
	"strconv"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what notify "mail" may hold.
type Config struct {
	To   []string `attr:"to" required:"true" doc:"addresses that get the mail"`
	From string   `attr:"from" required:"true" doc:"the sender's address"`
	SMTP SMTP     `block:"smtp" required:"true" doc:"the relay that takes the mail"`
}

// SMTP is the smtp block.
type SMTP struct {
	Server  string        `attr:"server" required:"true" doc:"the relay, as host:port"`
	Timeout time.Duration `attr:"timeout" default:"30s" doc:"for the whole conversation"`
}

// Validate refuses what is no mail address.
func (c Config) Validate() []sdk.Diagnostic {
	var ds []sdk.Diagnostic
	address := func(a string, path ...string) {
		if _, err := mail.ParseAddress(a); err != nil {
			ds = append(ds, sdk.Diagnostic{Path: path, Summary: "not a mail address", Detail: `Write it as "name@example.com".`})
		}
	}
	for i, a := range c.To {
		address(a, "to", strconv.Itoa(i))
	}
	address(c.From, "from")
	return ds
}

// Plugin is what the language knows of it.
func Plugin() sdk.Plugin {
	return sdk.Declare[Config](sdk.Info{Kind: sdk.KindNotify, Name: "mail"})
}
