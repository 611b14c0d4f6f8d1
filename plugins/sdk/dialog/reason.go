package dialog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Reason says in an operator's words why what was being done has failed: "waiting for the greeting: connection reset by
// peer", "timeout after 3s waiting for the greeting".
func (c *Conn) Reason(err error, doing string) error {
	for _, cause := range []error{err, c.End()} { // some libraries make a text of an error
		if broken := Broken(c.ctx, c.target, cause, doing); cause != nil && broken != nil {
			return broken
		}
	}
	return fmt.Errorf("%s: %s", doing, Plain(err))
}

// Broken is Reason for errors of the connection: a time-out, a reset, an end, a bound, an alert of TLS. It returns nil if
// err is something else, which the protocol has words for.
func Broken(ctx context.Context, t sdk.Target, err error, doing string) error {
	var errno syscall.Errno
	var bound *BoundError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.As(err, &bound):
		return bound
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w %s", &sdk.TimeoutError{Target: t}, doing)
	case errors.As(err, &errno):
		return fmt.Errorf("%s: %w", doing, errno)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the server closed the connection", doing)
	}
	if refusal, ok := alert(err); ok {
		return fmt.Errorf("%s: the server ended TLS: %s", doing, refusal)
	}
	return nil
}

// Plain is an error's text, not too much of it, without the names of Go's packages.
func Plain(err error) string {
	s := err.Error()
	for _, prefix := range []string{"tls: failed to verify certificate: ", "tls: ", "x509: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	return Short(s)
}

// alert returns the text of an alert that the server sent.
func alert(err error) (string, bool) {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return Plain(op.Err), true
	}
	return "", false
}
