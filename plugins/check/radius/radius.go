// Package radius is check "radius": a real server is up when it authenticates a user, or tells of its status.
package radius

import (
	"context"
	"errors"
	"fmt"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "radius".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "radius",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Authenticates a user by RADIUS, or asks for the server's status.", Egress: true},
	}, probe)
}

// probe asks and judges the answer.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	request, err := c.request()
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	var code radius.Code
	_, err = sdk.Exchange(ctx, t, request, radius.MaxPacketLength, func(b []byte) (err error) {
		code, err = c.read(b, request)
		return err
	})
	if err != nil {
		return err
	}
	if !c.good(code) {
		return c.refused(code)
	}
	return nil
}

// request makes a request, with a random identifier and authenticator. Its first attribute is the Message-Authenticator:
// RFC 5997, section 3, wants one for Status-Server, and for Access-Request draft-ietf-radext-deprecating-radius, because of
// CVE-2024-3596.
func (c *Config) request() ([]byte, error) {
	code := radius.CodeAccessRequest
	if c.StatusServer {
		code = radius.CodeStatusServer
	}
	p := radius.New(code, []byte(c.Secret))
	p.Add(rfc2869.MessageAuthenticator_Type, make(radius.Attribute, digestBytes))
	if err := rfc2865.NASIdentifier_SetString(p, c.Identifier); err != nil {
		return nil, err
	}
	if !c.StatusServer {
		if err := rfc2865.UserName_SetString(p, c.User); err != nil {
			return nil, err
		}
		if err := rfc2865.UserPassword_SetString(p, c.Password); err != nil {
			return nil, err
		}
	}
	b, err := p.Encode()
	if err != nil {
		return nil, err
	}
	sign(b, c.Secret)
	return b, nil
}

// read returns the code of the answer to a request, or says why a datagram is none.
func (c *Config) read(b, request []byte) (radius.Code, error) {
	p, err := radius.Parse(b, []byte(c.Secret))
	if err != nil {
		return 0, fmt.Errorf("not RADIUS: it begins with %q", b[:min(len(b), 16)])
	}
	b = b[:length(b)]
	switch signed, good := verify(b, request, c.Secret); {
	case p.Identifier != request[1]:
		return 0, errors.New("the answer to another request")
	case !radius.IsAuthenticResponse(b, request, []byte(c.Secret)):
		return 0, fmt.Errorf("%s, not signed with the secret", p.Code)
	case !signed && c.Signed:
		return 0, fmt.Errorf("%s without a Message-Authenticator", p.Code)
	case signed && !good:
		return 0, fmt.Errorf("%s with a wrong Message-Authenticator", p.Code)
	}
	return p.Code, nil
}

// refused says that an answer is not what is wanted.
func (c *Config) refused(code radius.Code) error {
	if c.StatusServer {
		return fmt.Errorf("%s to Status-Server", code)
	}
	return fmt.Errorf("%s for user %q", code, c.User)
}
