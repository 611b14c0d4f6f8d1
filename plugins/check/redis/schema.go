package redis

import (
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "redis" may hold beside what every check has.
type Config struct {
	User     string `attr:"user" doc:"who logs in, for servers with ACLs (Redis 6); with a password alone it is the user default"`
	Password string `attr:"password" sensitive:"true" doc:"for AUTH; without it nobody logs in"`
	Role     string `attr:"role" oneof:"master,replica" doc:"what the server must be, as ROLE says; without it, anything"`
	dialog.TLS
}

// Validate refuses what cannot work.
func (c *Config) Validate() []sdk.Diagnostic {
	ds := c.TLS.Validate()
	if c.User != "" && c.Password == "" {
		ds = append(ds, sdk.Diagnostic{Path: []string{"user"}, Summary: "a user without a password", Detail: "Write password beside it."})
	}
	return ds
}
