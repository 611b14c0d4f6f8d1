package postgres

import (
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "postgres" may hold beside what every check has.
type Config struct {
	User     string `attr:"user" required:"true" doc:"who logs in"`
	Password string `attr:"password" sensitive:"true" doc:"the user's; without it, none"`
	Database string `attr:"database" default:"postgres" doc:"that is logged in to"`
	Query    string `attr:"query" default:"SELECT 1" doc:"a statement that must return a row"`
	RowMatch string `attr:"row_match" doc:"regular expression that the first column of the first row must match"`
	dialog.TLS

	row   *regexp.Regexp // nil: any row will do
	login *pgconn.Config
}

// Validate refuses what cannot work, and prepares the login.
func (c *Config) Validate() []sdk.Diagnostic {
	ds := c.TLS.Validate()
	add := func(attribute, summary, detail string) {
		ds = append(ds, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	for attribute, s := range map[string]string{"user": c.User, "database": c.Database, "query": c.Query} {
		if s == "" || strings.ContainsRune(s, 0) {
			add(attribute, "nothing, or a zero byte", "Write it, or leave "+attribute+" out where it has a default.")
		}
	}
	if strings.ContainsRune(c.Password, 0) {
		add("password", "a zero byte", "Leave it out.")
	}
	if c.RowMatch != "" {
		var err error
		if c.row, err = regexp.Compile(c.RowMatch); err != nil {
			add("row_match", "not a regular expression", err.Error()+".")
		}
	}
	var err error
	if c.login, err = login(c); err != nil {
		add("user", "no login can be made of it", err.Error()+".")
	}
	return ds
}
