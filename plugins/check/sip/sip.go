// Package sip is check "sip": a real server is up when it answers OPTIONS by SIP as it should.
//
// The few lines of the request and of the answer's head are read here, with net/textproto for the headers: libraries of SIP
// are stacks with transactions and dialogs of their own, of which a probe needs none.
package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "sip".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "sip",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Asks for OPTIONS by SIP; up when the status of the answer is good.", Egress: true},
	}, probe)
}

// probe asks and judges the answer.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	ask := askUDP
	if c.Protocol == "tcp" {
		ask = askTCP
	}
	a, err := ask(ctx, t, &c)
	if err != nil {
		return err
	}
	if !c.statuses.Has(a.status) {
		return fmt.Errorf("%s, want %s", a, strings.Join(c.Status, ", "))
	}
	return nil
}

// maxUDP is how many bytes of a datagram are looked at: those of an answer's head that is not senselessly long.
const maxUDP = 8 << 10

func askUDP(ctx context.Context, t sdk.Target, c *Config) (*answer, error) {
	d, err := sdk.DialUDP(ctx, t)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	r := newRequest(c, t, "UDP", d.Local())
	if err := d.Send(r.bytes()); err != nil {
		return nil, err
	}
	var a *answer
	_, err = d.Receive(make([]byte, maxUDP), func(b []byte) (err error) {
		head, _, _ := strings.Cut(strings.TrimLeft(string(b), "\r\n"), "\r\n\r\n")
		if a, err = parse(head); err != nil {
			return err
		}
		return r.answeredBy(a)
	})
	return a, err
}

const waiting = "waiting for the answer"

func askTCP(ctx context.Context, t sdk.Target, c *Config) (*answer, error) {
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	transport := "TCP"
	if c.TLS.On {
		transport = "TLS"
		if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
			return nil, err
		}
	}
	r := newRequest(c, t, transport, conn.LocalAddr().(*net.TCPAddr).AddrPort())
	// An error of the write is not the last word: the server may have said why it does not listen.
	_, unsent := conn.Write(r.bytes())
	for {
		a, err := readHead(conn)
		switch {
		case err != nil && unsent != nil && ctx.Err() == nil:
			return nil, conn.Reason(unsent, "sending the request")
		case err != nil:
			return nil, err
		case r.answeredBy(a) == nil:
			return a, nil
		case a.length > 0: // of an answer before the last one; there should be none
			return nil, fmt.Errorf("%s, with a body of %d bytes", a, a.length)
		}
	}
}

// readHead reads the head of an answer. Empty lines before it are to be ignored: RFC 3261, section 7.5.
func readHead(conn *dialog.Conn) (*answer, error) {
	var lines []string
	for {
		line, err := conn.ReadLine(waiting)
		switch {
		case err != nil:
			return nil, err
		case line != "":
			if lines = append(lines, line); len(lines) == 1 && !strings.HasPrefix(line, version) {
				return nil, notAnAnswer(line)
			}
		case len(lines) > 0:
			return parse(strings.Join(lines, "\r\n"))
		}
	}
}

// notAnAnswer says what else a first line is.
func notAnAnswer(line string) error {
	if strings.HasSuffix(line, " "+version) {
		return errors.New("a request, not an answer")
	}
	return dialog.NotSpoken("SIP", line)
}
