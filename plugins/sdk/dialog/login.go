package dialog

import (
	"strings"
	"unicode"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Login are the attributes of a check that can log in.
type Login struct {
	User     string `attr:"user" doc:"log in as this user; without it nobody logs in"`
	Password string `attr:"password" sensitive:"true" doc:"of that user"`
}

// Validate refuses what cannot be sent in a line, and a password that would not be used.
func (l *Login) Validate() (ds []sdk.Diagnostic) {
	add := func(attribute, summary, detail string) {
		ds = append(ds, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	if strings.ContainsFunc(l.User, unicode.IsControl) {
		add("user", "not a user", "Line breaks and other control characters cannot be sent.")
	}
	if strings.ContainsFunc(l.Password, unicode.IsControl) {
		add("password", "not a password", "Line breaks and other control characters cannot be sent.")
	}
	if l.Password != "" && l.User == "" {
		add("password", "a password without a user", "Write user beside it.")
	}
	return ds
}
