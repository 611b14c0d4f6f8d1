// Package imap is check "imap": a real server is up when it greets as an IMAP server (RFC 9051, RFC 3501), answers NOOP and,
// if that is wanted, lets a user in.
//
// No library of IMAP is used. Those that there are (emersion/go-imap and its like) read in a goroutine of their own and
// parse all that a server can say of mailboxes and messages; here are a greeting and three commands, whose answers begin
// with the command's tag.
package imap

import (
	"context"
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "imap".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "imap",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "up when it greets as an IMAP server, answers NOOP and lets a user in", Egress: true},
	}, probe)
}

// probe greets, logs in, and takes its leave, as far as that is wanted.
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
	s := &session{conn: conn}
	if err := s.greeted(); err != nil {
		return err
	}
	if c.Upgrade {
		if err := s.ask("STARTTLS"); err != nil {
			return err
		}
		if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
			return err
		}
	}
	if c.User != "" {
		if err := s.ask("LOGIN " + quoted(c.User) + " " + quoted(c.Password)); err != nil {
			return err
		}
	}
	if err := s.ask("NOOP"); err != nil { // servers say OK to a login, and then find out that they have no mailbox
		return err
	}
	return conn.TakeLeave(s.tag() + " LOGOUT")
}

// A session is a conversation by tagged commands.
type session struct {
	conn  *dialog.Conn
	asked int
}

// greeted reads the greeting, RFC 9051, section 7.1.
func (s *session) greeted() error {
	line, err := s.conn.ReadLine("waiting for the greeting")
	if err != nil {
		return err
	}
	untagged, rest, _ := strings.Cut(line, " ")
	status, _, _ := strings.Cut(rest, " ")
	switch status = strings.ToUpper(status); {
	case untagged != "*" || status != "OK" && status != "PREAUTH" && status != "BYE":
		return dialog.NotSpoken("IMAP", line)
	case status == "BYE":
		return fmt.Errorf("OK expected, got %s", dialog.Short(rest))
	}
	return nil
}

// tag returns that of the next command.
func (s *session) tag() string {
	s.asked++
	return fmt.Sprintf("a%d", s.asked)
}

// ask says a command, to which the answer must be OK. Its arguments are not told in reasons.
func (s *session) ask(command string) error {
	tag := s.tag()
	verb, _, _ := strings.Cut(command, " ")
	s.conn.WriteLine(tag + " " + command)
	var bye string
	for {
		line, err := s.conn.ReadLine("waiting for the answer to " + verb)
		if err != nil && bye != "" {
			return fmt.Errorf("%s: OK expected, got %s", verb, bye)
		}
		if err != nil {
			return err
		}
		first, rest, _ := strings.Cut(line, " ")
		status, _, _ := strings.Cut(rest, " ")
		switch status = strings.ToUpper(status); {
		case first == tag && status == "OK":
			return nil
		case first == tag:
			return fmt.Errorf("%s: OK expected, got %s", verb, dialog.Short(rest))
		case first == "*" && status == "BYE":
			bye = dialog.Short(rest)
		}
	}
}

// quoted returns a string in quotes, RFC 9051, section 4.3.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
