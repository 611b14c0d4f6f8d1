// Package tcp is check "tcp": a real server is up when it accepts a connection and, if that is wanted, answers as it should.
package tcp

import (
	"context"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
	"github.com/evenkeel/evenkeel/plugins/sdk/switchboard"
)

// Plugin is check "tcp".
func Plugin() sdk.Plugin {
	return sdk.NewProber(sdk.Info{
		Name:    "tcp",
		Version: "1.1.0",
		Schema:  sdk.Schema{Doc: "Connects; a connection that is accepted is the answer, or what the server says on it.", Egress: true},
	}, func(sdk.Host) (sdk.Prober[Config], error) {
		b, err := switchboard.New()
		if err != nil {
			return nil, err
		}
		return prober{b}, nil
	})
}

// A prober connects to all servers at once, and talks to those that are to say something one by one.
type prober struct{ *switchboard.Board }

// Takes implements sdk.Starter.
func (prober) Takes(t sdk.Target, c Config) bool { return !c.talks() && switchboard.Takes(t) }

// Start implements sdk.Starter.
func (p prober) Start(n int, t sdk.Target, _ Config) { p.Board.Start(n, t, nil) }

// Probe implements sdk.Prober.
func (prober) Probe(ctx context.Context, t sdk.Target, c Config) error { return probe(ctx, t, c) }

// probe connects, says and hears what is to be said and heard, and hangs up. The connection is reset rather than closed, so
// that neither side keeps it in TIME_WAIT: at a thousand probes a second those would use up the ports.
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
	return c.converse(conn)
}
