// Package agent is check "agent": a program on the real server says in a line what state it is in and what part of its
// weight it should get. It is the protocol of HAProxy's agent check.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
	"github.com/evenkeel/evenkeel/plugins/sdk/feedback"
)

// Plugin is check "agent".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name: "agent", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Asks an agent on the real server for its state and weight.", Weighs: true, Egress: true},
	}, probe)
}

func probe(ctx context.Context, t sdk.Target, c Config) error {
	line, err := ask(ctx, t, c)
	if err != nil {
		if c.Unreachable == "keep" {
			return sdk.KeepWeight(ctx, t, err)
		}
		return err
	}
	return feedback.Probe(ctx, "the agent", line)
}

// longest is the length of the longest line, in bytes.
const longest = 1024

// ask returns the agent's line: up to the first CR or LF, or to the end of what it has to say.
func ask(ctx context.Context, t sdk.Target, c Config) (string, error) {
	const waiting = "waiting for the agent's line"
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if c.Send != "" {
		io.WriteString(conn, c.Send) // an agent that does not listen may have said its line all the same
	}
	b := make([]byte, 0, longest)
	for len(b) < longest {
		n, err := conn.Read(b[len(b):longest])
		b = b[:len(b)+n]
		if line, _, whole := strings.Cut(strings.ReplaceAll(string(b), "\r", "\n"), "\n"); whole {
			return line, nil
		}
		switch {
		case errors.Is(err, io.EOF) && len(b) > 0:
			return string(b), nil
		case err != nil:
			return "", conn.Reason(err, waiting)
		}
	}
	return "", fmt.Errorf("%s: it is longer than %d bytes, and begins with %q", waiting, longest, b[:40])
}
