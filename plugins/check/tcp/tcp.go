// Package tcp is check "tcp": a real server is up when it accepts a connection.
package tcp

import (
	"context"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "tcp".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "tcp",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Connects; a connection that is accepted is the answer.", Egress: true},
	}, probe)
}

// probe connects and hangs up. The connection is reset rather than closed, so that neither side keeps it in TIME_WAIT:
// at a thousand probes a second those would use up the ports.
func probe(ctx context.Context, t sdk.Target, _ Config) error {
	c, err := sdk.Dial(ctx, t)
	if err != nil {
		return err
	}
	c.Close() // a reset, which has no error that would say anything of the target
	return nil
}
