// Package redis is check "redis": a real server is up when it answers PING, after a login if need be, and has the role that
// is wanted.
package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "redis".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name: "redis", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Asks Redis, or one that speaks its protocol, for PONG and its role.", Egress: true},
	}, probe)
}

// probe sends all commands at once, and reads the answers in their order.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.TLS.On {
		if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
			return err
		}
	}
	var request []byte
	switch {
	case c.User != "":
		request = command(request, "AUTH", c.User, c.Password)
	case c.Password != "":
		request = command(request, "AUTH", c.Password)
	}
	login := len(request) > 0
	request = command(request, "PING")
	if c.Role != "" {
		request = command(request, "ROLE")
	}
	_, _ = conn.Write(request) // a server that does not listen may have said why

	r := &reader{conn}
	if login {
		if err := r.expect("AUTH", "OK"); err != nil {
			return err
		}
	}
	if err := r.expect("PING", "PONG"); err != nil {
		return err
	}
	if c.Role != "" {
		return r.role(c.Role)
	}
	return nil
}

// expect reads the simple answer to a command.
func (r *reader) expect(command, want string) error {
	v, err := r.value("waiting for the answer to " + command)
	switch {
	case err != nil:
		return err
	case v.kind != '+' || v.text != want:
		return fmt.Errorf("%s: %s expected, got %q", command, want, dialog.Short(v.text))
	}
	return nil
}

// role reads the answer to ROLE (https://redis.io/docs/latest/commands/role/): "master" and more, or "slave", its master's
// address and port, and the state of the link to it.
func (r *reader) role(want string) error {
	const waiting = "waiting for the answer to ROLE"
	list, err := r.value(waiting)
	if err != nil {
		return err
	}
	if list.kind != '*' || list.count < 1 {
		return fmt.Errorf("ROLE: a list expected, got %q", dialog.Short(list.text))
	}
	role, err := r.value(waiting)
	if err != nil {
		return err
	}
	is := role.text
	if is == "slave" {
		is = "replica"
	}
	switch {
	case is != want:
		return fmt.Errorf("it is a %s, want a %s", dialog.Short(is), want)
	case want == "master":
		return nil
	case list.count < 4:
		return errors.New("ROLE: it does not say how the link to the master is")
	}
	var link value
	for range 3 { // address, port, state
		if link, err = r.value(waiting); err != nil {
			return err
		}
	}
	if link.text != "connected" {
		return fmt.Errorf("it is a replica whose link to its master is %q, want \"connected\"", dialog.Short(link.text))
	}
	return nil
}
