package pop3

import (
	"slices"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "pop3" may hold beside the attributes that every check has.
type Config struct {
	dialog.Login
	dialog.StartTLS
}

// Validate refuses what cannot work, before anything is probed.
func (c *Config) Validate() []sdk.Diagnostic {
	return slices.Concat(c.Login.Validate(), c.StartTLS.Validate())
}
