// Package grpc is check "grpc": a real server is up when it says so by the health protocol of gRPC.
package grpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "grpc".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "grpc",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Asks by the gRPC health protocol; up when the answer is SERVING.", Egress: true},
	}, probe)
}

// probe connects, asks, and judges the answer. The connection is made here, so that what goes wrong with it is told in its
// own words, and the library gets it ready.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer conn.Close()
	l := &line{Conn: conn, dialog: conn}
	if c.TLS.On {
		if l.secure, err = c.TLS.Handshake(ctx, conn, t, c.name(), "h2"); err != nil {
			return err
		}
		l.Conn = l.secure
		if l.secure.ConnectionState().NegotiatedProtocol != "h2" {
			return errors.New("the server does not offer HTTP/2 (ALPN)")
		}
	}
	answer, err := l.ask(ctx, t, &c)
	if err != nil {
		return l.reason(ctx, t, &c, err)
	}
	if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s is %s", c.asked(), answer.Status)
	}
	return nil
}

// maxAnswer is the length of the longest answer that is read, in bytes. One that says SERVING has two.
const maxAnswer = 1 << 10

// ask asks over the line, which the library closes with its client.
func (l *line) ask(ctx context.Context, t sdk.Target, c *Config) (*grpc_health_v1.HealthCheckResponse, error) {
	authority := c.Authority
	if authority == "" {
		authority = netip.AddrPortFrom(t.Address.WithZone(""), t.Port).String()
	}
	dial := func(context.Context, string) (net.Conn, error) { return l.once() }
	client, err := grpc.NewClient("passthrough:///"+authority,
		grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(l.credentials()),
		grpc.WithAuthority(authority),
		grpc.WithUserAgent("evenkeel"),
		grpc.WithNoProxy(),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: c.Service})
}

const waiting = "waiting for the answer"

// reason says in an operator's words why there is no answer.
func (l *line) reason(ctx context.Context, t sdk.Target, c *Config, err error) error {
	first, broken := l.seen()
	s := status.Convert(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case len(first) > 0 && !isHTTP2(first):
		return dialog.NotSpoken("gRPC", string(first))
	case ctx.Err() != nil, s.Code() == codes.DeadlineExceeded:
		return fmt.Errorf("%w %s", &sdk.TimeoutError{Target: t}, waiting)
	case s.Code() == codes.Unavailable && broken != nil:
		return l.dialog.Reason(broken, waiting)
	case c.Service != "":
		return fmt.Errorf("gRPC %s for %s: %s", s.Code(), c.asked(), dialog.Short(s.Message()))
	}
	return fmt.Errorf("gRPC %s: %s", s.Code(), dialog.Short(s.Message()))
}

// asked is what the configuration asks about.
func (c *Config) asked() string {
	if c.Service == "" {
		return "the server"
	}
	return fmt.Sprintf("service %q", dialog.Short(c.Service))
}
