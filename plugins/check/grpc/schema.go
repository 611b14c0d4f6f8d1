package grpc

import (
	"net"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "grpc" may hold beside what every check has.
type Config struct {
	Service   string `attr:"service" doc:"service to ask about; the server as a whole without it"`
	Authority string `attr:"authority" doc:"name of the server, with a port if it wants one; the target's address without it"`
	dialog.TLS
}

// maxService is the length of the longest name of a service, in bytes.
const maxService = 1000

// Validate refuses what cannot work.
func (c *Config) Validate() []sdk.Diagnostic {
	list := c.TLS.Validate()
	add := func(attribute, summary, detail string) {
		list = append(list, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	if len(c.Service) > maxService {
		add("service", "too long for a service", `write its name as the server has registered it: "shop.v1.Cart"`)
	}
	if c.Authority != "" && (!httpguts.ValidHostHeader(c.Authority) || strings.ContainsAny(c.Authority, "@/ \t?#")) {
		add("authority", "not a name of a server", `write a name or an address, with a port if the server wants it: "cart.example.com"`)
	}
	return list
}

// name is the one that the certificate is for, if sni says no other; "": the target's address.
func (c *Config) name() string {
	if name, _, err := net.SplitHostPort(c.Authority); err == nil {
		return name
	}
	return strings.Trim(c.Authority, "[]")
}
