package smtp

import (
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "smtp" may hold beside the attributes that every check has.
type Config struct {
	Helo string `attr:"helo" doc:"name that the check gives itself in EHLO; without it the address that it comes from, as [192.0.2.1]"`
	dialog.StartTLS
}

// Validate refuses what cannot work, before anything is probed.
func (c *Config) Validate() []sdk.Diagnostic {
	ds := c.StartTLS.Validate()
	if strings.ContainsAny(c.Helo, " \t") || !dialog.OneLine(c.Helo) {
		ds = append(ds, sdk.Diagnostic{Path: []string{"helo"}, Summary: "not a name",
			Detail: `Write a host's name or an address in brackets: "lb.example.com", "[192.0.2.1]".`})
	}
	return ds
}
