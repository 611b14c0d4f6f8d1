// Package ldap is check "ldap": a real server is up when it finds an entry of the directory, after a login (bind) if that is
// wanted, RFC 4511.
//
// The library is go-ldap/ldap. What it reads is bounded by the connection that it gets, and its time by the connection's
// deadline; whatever its goroutines meet, they end with the connection. Only the change to TLS is made here, because the
// library would make a text of the handshake's error.
package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "ldap".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "ldap",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "up when it finds an entry of the directory, and lets somebody in", Egress: true},
	}, probe)
}

// probe logs in, searches and takes its leave, as far as that is wanted.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.Bound(maxBytes)
	if c.Upgrade {
		if err := startTLS(conn); err != nil {
			return reason(conn, err, "StartTLS")
		}
	}
	if c.On || c.Upgrade {
		if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
			return err
		}
	}
	l := goldap.NewConn(conn, true) // true: it need not know how to speak TLS
	l.Start()
	defer l.Close()
	if c.BindDN != "" {
		if err := l.Bind(c.BindDN, c.Password); err != nil {
			return reason(conn, err, "bind")
		}
	}
	found, err := l.Search(search(c))
	switch {
	case err != nil:
		return reason(conn, err, "search")
	case len(found.Entries) == 0:
		return fmt.Errorf("search: %q has no entry with %s", c.Base, c.Filter)
	}
	l.Unbind() // there is no answer to it, RFC 4511, section 4.3
	return nil
}

// maxBytes is how much is read of a server: answers without attributes are small, and what the library makes of two bytes
// takes some hundreds in memory.
const maxBytes = 16 << 10

// search asks for one entry, with none of its attributes.
func search(c Config) *goldap.SearchRequest {
	return goldap.NewSearchRequest(c.Base, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, c.Filter,
		[]string{"1.1"}, nil) // RFC 4511, section 4.5.1.8
}

// startTLS asks for the change to TLS, which is next: RFC 4511, section 4.14.
func startTLS(conn *dialog.Conn) error {
	const startTLS = "1.3.6.1.4.1.1466.20037"
	message := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "message")
	message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, "id"))
	request := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationExtendedRequest, nil, "request")
	request.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, startTLS, "name"))
	message.AppendChild(request)
	conn.Write(message.Bytes()) // an error is not the last word: that is for the answer
	answer, err := ber.ReadPacket(conn)
	if err != nil {
		return err
	}
	return goldap.GetLDAPError(answer)
}

// reason says why something that was asked for has failed.
func reason(conn *dialog.Conn, err error, doing string) error {
	const sequence = "\x30" // of which each message is one, RFC 4511, section 4.2
	if begin := conn.Beginning(); begin != "" && !strings.HasPrefix(begin, sequence) {
		return dialog.NotSpoken("LDAP", begin)
	}
	var result *goldap.Error
	if errors.As(err, &result) && result.ResultCode < goldap.ErrorNetwork { // others are the library's own
		got := strings.TrimSpace(fmt.Sprintf("%d %s", result.ResultCode, goldap.LDAPResultCodeMap[result.ResultCode]))
		if result.Err != nil && result.Err.Error() != "" {
			got += ": " + dialog.Short(result.Err.Error())
		}
		return fmt.Errorf("%s: success expected, got %s", doing, got)
	}
	if errors.As(err, &result) {
		err = result.Err
	}
	return conn.Reason(err, "waiting for the answer to "+doing)
}
