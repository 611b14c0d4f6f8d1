package http

import (
	"context"
	"errors"
)

// shakeHands makes TLS of the connection.
func (l *line) shakeHands(ctx context.Context) error {
	c, err := l.plan.TLS.Handshake(ctx, l.tcp, l.target, hostName(l.plan.Host), l.plan.protocols...)
	if err != nil {
		return err
	}
	l.conn = c
	switch protocol := c.ConnectionState().NegotiatedProtocol; {
	case protocol == "h2":
		l.http2 = true
	case l.http2:
		return errors.New("the server does not offer HTTP/2 (ALPN)")
	}
	return nil
}
