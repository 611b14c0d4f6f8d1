// Package smtp is check "smtp": a real server is up when it greets as a mail server and answers EHLO, RFC 5321.
//
// net/smtp is not used: it says HELO after any failure of EHLO, and so loses what the server has said of the reason.
package smtp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "smtp".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "smtp",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "up when it greets as a mail server and answers EHLO", Egress: true},
	}, probe)
}

// protocol is what reasons call it.
const protocol = "SMTP"

// probe greets and takes its leave, by TLS if that is wanted.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.On {
		if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
			return err
		}
	}
	if err := converse(conn, c); err != nil {
		return err
	}
	return conn.TakeLeave("QUIT")
}

// converse is all before QUIT.
func converse(conn *dialog.Conn, c Config) error {
	greeting, err := conn.ReadReply(protocol, "waiting for the greeting")
	if err != nil {
		return err
	}
	if err := greeting.Want(220); err != nil {
		return err
	}
	name := c.Helo
	if name == "" {
		name = literal(conn)
	}
	extensions, err := hello(conn, name)
	if err != nil || !c.Upgrade {
		return err
	}
	if !slices.Contains(extensions, "STARTTLS") {
		return errors.New("the server does not offer STARTTLS")
	}
	if _, err := conn.Ask(protocol, "STARTTLS", 220); err != nil {
		return err
	}
	if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
		return err
	}
	_, err = hello(conn, name) // all that was said before is forgotten, RFC 3207, section 4.2
	return err
}

// hello says EHLO, or HELO to a server that does not know EHLO (RFC 5321, section 3.2), and returns the names of the
// server's extensions, in capitals.
func hello(conn *dialog.Conn, name string) (extensions []string, err error) {
	r, err := conn.Ask(protocol, "EHLO "+name, 250)
	if err == nil {
		for _, line := range strings.Split(r.Text, "\n")[1:] {
			keyword, _, _ := strings.Cut(strings.ToUpper(line), " ")
			extensions = append(extensions, keyword)
		}
		return extensions, nil
	}
	if r.Code == 500 || r.Code == 502 { // no such command, RFC 5321, section 4.2.4
		_, err = conn.Ask(protocol, "HELO "+name, 250)
	}
	return nil, err
}

// literal is the check's own address as RFC 5321, section 4.1.3, has it in place of a name.
func literal(conn *dialog.Conn) string {
	at, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return "localhost"
	}
	a := at.Addr().Unmap().WithZone("")
	if a.Is6() {
		return "[IPv6:" + a.String() + "]"
	}
	return "[" + a.String() + "]"
}
