package radius

import (
	"slices"
	"strconv"

	"layeh.com/radius"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "radius" may hold beside what every check has.
type Config struct {
	Secret       string   `attr:"secret" required:"true" sensitive:"true" doc:"shared with the server"`
	User         string   `attr:"user" doc:"whom to authenticate"`
	Password     string   `attr:"password" sensitive:"true" doc:"of the user"`
	StatusServer bool     `attr:"status_server" default:"false" doc:"ask for the server's status in place of authenticating somebody"`
	Replies      []string `attr:"replies" default:"accept" doc:"answers to a user's request that are good: accept, reject, challenge"`
	Signed       bool     `attr:"require_message_authenticator" default:"false" doc:"whether an answer without a Message-Authenticator counts for nothing"`
	Identifier   string   `attr:"nas_identifier" default:"evenkeel" doc:"what this client calls itself"`

	replies []radius.Code
}

// codes are the answers that Replies may name.
var codes = map[string]radius.Code{
	"accept":    radius.CodeAccessAccept,
	"reject":    radius.CodeAccessReject,
	"challenge": radius.CodeAccessChallenge,
}

// The lengths that an attribute holds, RFC 2865, section 5.
const (
	maxText     = 253
	maxPassword = 128
)

// Validate refuses what cannot work, and prepares the rest.
func (c *Config) Validate() []sdk.Diagnostic {
	var list []sdk.Diagnostic
	add := func(summary, detail string, path ...string) {
		list = append(list, sdk.Diagnostic{Path: path, Summary: summary, Detail: detail})
	}
	if c.Secret == "" {
		add("no secret", "servers answer nobody without one", "secret")
	}
	switch {
	case c.StatusServer && c.User != "":
		add("the server's status has no user", "write one of status_server and user", "user")
	case c.StatusServer && c.Password != "":
		add("the server's status has no password", "write one of status_server and password", "password")
	case !c.StatusServer && c.User == "":
		add("nobody to authenticate", `write user and password, or status_server = true`, "user")
	}
	for attribute, text := range map[string]struct {
		text string
		max  int
	}{"user": {c.User, maxText}, "password": {c.Password, maxPassword}, "nas_identifier": {c.Identifier, maxText}} {
		if len(text.text) > text.max {
			add("too long", "it has at most "+strconv.Itoa(text.max)+" bytes", attribute)
		}
	}
	if c.Identifier == "" {
		add("no name", "a request has the name of its client", "nas_identifier")
	}
	if len(c.Replies) == 0 {
		add("no answers", `without any, none would be good: write ["accept"]`, "replies")
	}
	for i, name := range c.Replies {
		code, ok := codes[name]
		if !ok {
			add("not an answer", `write "accept", "reject" or "challenge"`, "replies", strconv.Itoa(i))
		}
		c.replies = append(c.replies, code)
	}
	if c.StatusServer { // RFC 5997, section 3: what it is depends on the port
		c.replies = []radius.Code{radius.CodeAccessAccept, radius.CodeAccountingResponse}
	}
	return list
}

// good says whether an answer is one that is wanted.
func (c *Config) good(code radius.Code) bool { return slices.Contains(c.replies, code) }
