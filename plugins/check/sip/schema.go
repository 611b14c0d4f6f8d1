package sip

import (
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "sip" may hold beside what every check has.
type Config struct {
	Protocol string   `attr:"protocol" default:"udp" oneof:"udp,tcp" doc:"how to ask"`
	URI      string   `attr:"uri" doc:"whom to ask; the target's address without it"`
	From     string   `attr:"from" doc:"who asks; evenkeel at this machine's address without it"`
	Status   []string `attr:"status" default:"200-299" doc:"status codes that are good, single or as ranges"`
	dialog.TLS

	statuses dialog.Statuses
}

// Validate refuses what cannot work, and prepares the rest.
func (c *Config) Validate() []sdk.Diagnostic {
	list := c.TLS.Validate()
	add := func(attribute, summary, detail string) {
		list = append(list, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	if c.TLS.On && c.Protocol == "udp" {
		add("protocol", "there is no TLS over UDP here", `write protocol = "tcp" beside tls = true`)
	}
	for attribute, uri := range map[string]string{"uri": c.URI, "from": c.From} {
		if uri != "" && !isURI(uri) {
			add(attribute, "not a SIP URI", `write "sip:name@example.com"`)
		}
	}
	statuses, ds := dialog.ParseStatuses("status", c.Status)
	c.statuses = statuses
	return append(list, ds...)
}

// isURI says whether a text may stand where a URI does, within < and >: RFC 3261, section 19.1.1. The server knows the rest.
func isURI(s string) bool {
	scheme, rest, _ := strings.Cut(s, ":")
	return (scheme == "sip" || scheme == "sips") && rest != "" && len(s) <= 500 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '<' || r == '>' || r == '"' || r >= 0x7f })
}
