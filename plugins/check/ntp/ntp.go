// Package ntp is check "ntp": a real server is up when it tells the time, and its clock is synchronised.
package ntp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/beevik/ntp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "ntp".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "ntp",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Asks for the time; up when the server's clock is synchronised.", Egress: true},
	}, probe)
}

// probe asks by SNTP and judges the answer.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	d, err := sdk.DialUDP(ctx, t)
	if err != nil {
		return err
	}
	defer d.Close()
	answer, err := ntp.QueryWithOptions(netip.AddrPortFrom(t.Address, t.Port).String(), ntp.QueryOptions{
		Dialer:        func(string, string) (net.Conn, error) { return &line{datagrams: d}, nil },
		GetSystemTime: time.Now,
	})
	for _, broken := range []error{ntp.ErrInvalidMode, ntp.ErrInvalidTransmitTime, ntp.ErrServerTickedBackwards} {
		if errors.Is(err, broken) {
			return fmt.Errorf("a broken answer: %w", err)
		}
	}
	if err != nil {
		return err
	}
	return c.judge(answer)
}

// A line is the library's connection. What is not the answer to the last request does not come through.
type line struct {
	net.Conn  // nil: what the library does not use
	datagrams *sdk.Datagrams
	sent      []byte
}

// Of a packet (RFC 5905, figure 8): its length, and where a request has its transmit timestamp, which the library makes a
// random number of, and the answer repeats it as its origin timestamp.
const (
	packetBytes = 48
	origin      = 24
	transmit    = 40
)

func (l *line) Write(b []byte) (int, error) {
	l.sent = slices.Clone(b)
	return len(b), l.datagrams.Send(b)
}

func (l *line) Read(b []byte) (int, error) {
	got, err := l.datagrams.Receive(b, func(got []byte) error { return answers(l.sent, got) })
	return len(got), err
}

// SetDeadline does nothing: the deadline is the probe's.
func (l *line) SetDeadline(time.Time) error { return nil }

// Close does nothing: who has made the datagrams closes them.
func (l *line) Close() error { return nil }

// answers says why a datagram is not the answer to a request.
func answers(request, got []byte) error {
	switch {
	case len(got) < packetBytes:
		return fmt.Errorf("not NTP: %d bytes, want %d", len(got), packetBytes)
	case !slices.Equal(got[origin:origin+8], request[transmit:transmit+8]):
		return errors.New("not NTP, or the answer to another question: its origin timestamp is wrong")
	}
	return nil
}

// refusals are the kiss codes that tell this client to go away: RFC 5905, section 7.4. The others (INIT, STEP) tell of the
// server's own state.
var refusals = []string{"DENY", "RATE", "RSTR"}

// judge says what is wrong with an answer.
func (c *Config) judge(r *ntp.Response) error {
	switch {
	case r.Stratum == 0 && slices.Contains(refusals, r.KissCode):
		return fmt.Errorf("the server refuses to answer: kiss of death %s", r.KissCode)
	case r.Leap == ntp.LeapNotInSync, r.Stratum == 0, r.Stratum > lastStratum:
		return errors.New("the server's clock is not synchronised")
	case int(r.Stratum) > c.MaxStratum:
		return fmt.Errorf("the server's clock is of stratum %d, want at most %d", r.Stratum, c.MaxStratum)
	}
	if err := r.Validate(); err != nil {
		return fmt.Errorf("the server's clock is not to be trusted: %w", err)
	}
	if c.MaxOffset == nil || r.ClockOffset.Abs() <= *c.MaxOffset {
		return nil
	}
	than := "ahead of"
	if r.ClockOffset < 0 {
		than = "behind"
	}
	return fmt.Errorf("the server's clock is %s %s this machine's, want at most %s", r.ClockOffset.Abs().Round(time.Millisecond), than, *c.MaxOffset)
}
