// Package udp is check "udp": a real server is up when it answers a datagram as it should, or at least does not refuse it.
package udp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "udp".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "udp",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Sends a datagram; up when the reply is right or, where none is wanted, when none says that the port is unreachable.", Egress: true},
	}, probe)
}

// probe sends the payload and judges the first reply.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	if !c.wantsReply() {
		return unrefused(ctx, t, c)
	}
	reply, err := sdk.Exchange(ctx, t, c.payload, c.MaxReplyLength+1, nil)
	if err != nil {
		return err
	}
	return c.judge(reply)
}

// unrefused sends the payload and is content with silence, as keepalived's UDP_CHECK: only an ICMP error is down. Silence is
// known to last nine tenths of the time-out, since a probe that takes all of it has failed.
func unrefused(ctx context.Context, t sdk.Target, c Config) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)*9/10)
		defer cancel()
	}
	_, err := sdk.Exchange(ctx, t, c.payload, 1, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// judge says what is wrong with a reply, of which there is one byte more than max_reply_length at most.
func (c *Config) judge(reply []byte) error {
	switch n := len(reply); {
	case n > c.MaxReplyLength:
		return fmt.Errorf("the reply has more than %d bytes", c.MaxReplyLength)
	case n < c.MinReplyLength:
		return fmt.Errorf("the reply has %d bytes, want at least %d", n, c.MinReplyLength)
	case !c.pattern.begins(reply):
		return fmt.Errorf("the reply is %s, want %s", hexBeginning(reply), clip(c.pattern.String(), 2*shown))
	case c.match != nil && !c.match.Match(reply):
		return fmt.Errorf("the reply %q does not match %q", clip(string(reply), shown), c.ReplyMatch)
	}
	return nil
}

// shown is how many bytes of a reply are in a reason.
const shown = 32

// hexBeginning returns the beginning of a reply in hexadecimal.
func hexBeginning(reply []byte) string {
	if len(reply) == 0 {
		return "empty"
	}
	return clip(fmt.Sprintf("%x", reply[:min(len(reply), shown+1)]), 2*shown)
}

// clip returns the first n bytes of a text.
func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
