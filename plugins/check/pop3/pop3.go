// Package pop3 is check "pop3": a real server is up when it greets as a POP3 server (RFC 1939) and, if that is wanted, lets
// a user in. No mail is read, so no library of POP3 is needed: all that there is of the protocol here are answers of one
// line.
package pop3

import (
	"context"
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "pop3".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "pop3",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "up when it greets as a POP3 server and lets a user in", Egress: true},
	}, probe)
}

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
	if err := ok(conn, "waiting for the greeting"); err != nil {
		return err
	}
	if c.Upgrade {
		if err := ask(conn, "STLS"); err != nil { // RFC 2595, section 4
			return err
		}
		if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
			return err
		}
	}
	if c.User != "" {
		if err := ask(conn, "USER "+c.User); err != nil {
			return err
		}
		if err := ask(conn, "PASS "+c.Password); err != nil {
			return err
		}
	}
	return conn.TakeLeave("QUIT")
}

// ask says a command, to which the answer must be +OK. Its arguments are not told in reasons.
func ask(conn *dialog.Conn, command string) error {
	conn.WriteLine(command)
	verb, _, _ := strings.Cut(command, " ")
	if err := ok(conn, "waiting for the answer to "+verb); err != nil {
		if _, refused := err.(*refusal); refused {
			return fmt.Errorf("%s: %w", verb, err)
		}
		return err
	}
	return nil
}

// ok reads an answer, which must be +OK.
func ok(conn *dialog.Conn, doing string) error {
	line, err := conn.ReadLine(doing)
	if err != nil {
		return err
	}
	switch status, _, _ := strings.Cut(line, " "); status {
	case "+OK":
		return nil
	case "-ERR":
		return &refusal{line}
	}
	return dialog.NotSpoken("POP3", line)
}

// A refusal is an answer that is not +OK.
type refusal struct{ line string }

// Error returns the words.
func (r *refusal) Error() string { return "+OK expected, got " + dialog.Short(r.line) }
