// Package ftp is check "ftp": a real server is up when it greets as an FTP server (RFC 959) and, if that is wanted, lets a
// user in. Nothing is transferred, so no library of FTP is needed: what there is of the protocol is replies of three
// digits.
package ftp

import (
	"context"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "ftp".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "ftp",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "up when it greets as an FTP server and lets a user in", Egress: true},
	}, probe)
}

// protocol is what reasons call it.
const protocol = "FTP"

// probe greets, logs in and takes its leave, as far as that is wanted.
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
	greeting, err := conn.ReadReply(protocol, "waiting for the greeting")
	if err != nil {
		return err
	}
	if err := greeting.Want(220); err != nil {
		return err
	}
	if c.Upgrade {
		if _, err := conn.Ask(protocol, "AUTH TLS", 234); err != nil { // RFC 4217, section 4
			return err
		}
		if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
			return err
		}
	}
	if c.User != "" {
		if err := login(conn, c.Login); err != nil {
			return err
		}
	}
	return conn.TakeLeave("QUIT")
}

// login logs in: RFC 959, section 5.4. A server may let a user in without a password.
func login(conn *dialog.Conn, l dialog.Login) error {
	const in, wantsPassword = 230, 331
	r, err := conn.Ask(protocol, "USER "+l.User, in)
	if r.Code != wantsPassword {
		return err
	}
	_, err = conn.Ask(protocol, "PASS "+l.Password, in)
	return err
}
