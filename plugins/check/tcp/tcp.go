// Package tcp is check "tcp": a real server is up when it accepts a connection.
package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "tcp".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name: "tcp", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Connects; a connection that is accepted is the answer."},
	}, probe)
}

// probe connects and hangs up. The connection is reset rather than closed, so that neither side keeps it in TIME_WAIT:
// at a thousand probes a second those would use up the ports. keepalived's TCP_CHECK does the same.
func probe(ctx context.Context, t sdk.Target, _ Config) error {
	if !t.Address.IsValid() || t.Port == 0 {
		return errors.New("there is no address and port to connect to")
	}
	to := netip.AddrPortFrom(t.Address, t.Port)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
	if err != nil {
		return fmt.Errorf("connect %s: %w", to, plain(err))
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // without it the connection is closed in the long way
	}
	return conn.Close()
}

// plain is the system's own word for what went wrong, without the layers that a dialer puts around it.
func plain(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("no answer in time")
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return errors.New("no answer in time")
	}
	return err
}
