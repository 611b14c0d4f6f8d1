package mysql

import (
	"regexp"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "mysql" may hold beside what every check has.
type Config struct {
	User     string `attr:"user" required:"true" doc:"who logs in"`
	Password string `attr:"password" sensitive:"true" doc:"the user's; without it, none"`
	Database string `attr:"database" doc:"that is chosen after the login; without it, none"`
	Query    string `attr:"query" doc:"a statement that must return a row; without it, a ping"`
	RowMatch string `attr:"row_match" doc:"regular expression that the first column of the first row must match"`
	dialog.TLS

	row *regexp.Regexp // nil: any row will do
}

// Validate refuses what cannot work, and compiles the expression.
func (c *Config) Validate() []sdk.Diagnostic {
	ds := c.TLS.Validate()
	add := func(attribute, summary, detail string) {
		ds = append(ds, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	if c.User == "" || strings.ContainsRune(c.User, 0) {
		add("user", "not a user", `Write user = "evenkeel".`)
	}
	if strings.ContainsRune(c.Database, 0) {
		add("database", "not a database", "Leave the zero byte out.")
	}
	if c.RowMatch != "" {
		var err error
		if c.row, err = regexp.Compile(c.RowMatch); err != nil {
			add("row_match", "not a regular expression", err.Error()+".")
		}
		if c.Query == "" {
			add("row_match", "a row without a query", `Write query = "SELECT @@read_only" beside it.`)
		}
	}
	return ds
}
