package ldap

import (
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "ldap" may hold beside the attributes that every check has.
type Config struct {
	BindDN   string `attr:"bind_dn" doc:"name to log in with, as cn=monitor,dc=example,dc=com; without it nobody logs in"`
	Password string `attr:"password" sensitive:"true" doc:"of that name"`
	Base     string `attr:"base" default:"" doc:"name of the entry that is searched for; without it the server's own (root DSE)"`
	Filter   string `attr:"filter" default:"(objectClass=*)" doc:"what must be true of that entry, RFC 4515"`
	dialog.StartTLS
}

// Validate refuses what cannot work, before anything is probed.
func (c *Config) Validate() []sdk.Diagnostic {
	ds := c.StartTLS.Validate()
	add := func(attribute, summary, detail string) {
		ds = append(ds, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	for attribute, dn := range map[string]string{"bind_dn": c.BindDN, "base": c.Base} {
		if _, err := goldap.ParseDN(dn); err != nil {
			add(attribute, "not a name of the directory", "Write it as in RFC 4514: \"dc=example,dc=com\". "+dialog.Plain(err)+".")
		}
	}
	if _, err := goldap.CompileFilter(c.Filter); err != nil {
		add("filter", "not a filter", "Write it as in RFC 4515, with brackets: \"(uid=monitor)\". "+dialog.Plain(err)+".")
	}
	if c.BindDN != "" && c.Password == "" { // RFC 4513, section 5.1.2
		add("bind_dn", "a name without a password", "Servers say yes to that, whatever the name is. Write password beside it.")
	}
	if c.Password != "" && c.BindDN == "" {
		add("password", "a password without a name", "Write bind_dn beside it.")
	}
	return ds
}
