package tcp

import (
	"regexp"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "tcp" may hold beside what every check has. Without any of it a connection that is accepted is the
// answer.
type Config struct {
	Send        string `attr:"send" doc:"what to say once the connection is there"`
	Expect      string `attr:"expect" doc:"text that the answer, or the greeting, must contain"`
	ExpectMatch string `attr:"expect_match" doc:"regular expression that it must match"`
	dialog.TLS

	match *regexp.Regexp // nil: none
}

// Validate refuses what cannot work, and prepares the rest.
func (c *Config) Validate() []sdk.Diagnostic {
	ds := c.TLS.Validate()
	add := func(attribute, summary, detail string) {
		ds = append(ds, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	if c.Send != "" && c.Expect == "" && c.ExpectMatch == "" {
		add("send", "nobody listens to the answer", "Write expect or expect_match beside it.")
	}
	if len(c.Expect) > maxAnswer {
		add("expect", "too long", "No more than 8 KiB are read of an answer.")
	}
	if c.ExpectMatch != "" {
		var err error
		if c.match, err = regexp.Compile(c.ExpectMatch); err != nil {
			add("expect_match", "not a regular expression", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		if c.Expect != "" {
			add("expect_match", "there is a text to expect already", "Write one of expect and expect_match.")
		}
	}
	return ds
}

// talks says whether more is to be done than to connect.
func (c *Config) talks() bool { return c.TLS.On || c.listens() }

// listens says whether something is to come from the server.
func (c *Config) listens() bool { return c.Expect != "" || c.match != nil }
