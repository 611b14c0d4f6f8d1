package imap

import (
	"slices"
	"strings"
	"unicode"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "imap" may hold beside the attributes that every check has.
type Config struct {
	dialog.Login
	dialog.StartTLS
}

// Validate refuses what cannot work, before anything is probed.
func (c *Config) Validate() []sdk.Diagnostic {
	ds := slices.Concat(c.Login.Validate(), c.StartTLS.Validate())
	for attribute, text := range map[string]string{"user": c.User, "password": c.Password} {
		if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
			ds = append(ds, sdk.Diagnostic{Path: []string{attribute}, Summary: "not in ASCII",
				Detail: "LOGIN takes ASCII only (RFC 3501, section 6.2.3); give the check a user of its own."})
		}
	}
	return ds
}
