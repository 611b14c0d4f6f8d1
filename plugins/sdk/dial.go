package sdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// Dial connects to a check's target by TCP. Its error is a reason as operators read it: "connect 10.0.0.1:80: connection
// refused", "timeout after 3s: connect 10.0.0.1:80". The connection leaves as the target's Egress says.
//
// Closing the connection resets it (SO_LINGER with 0 seconds): a director that probes ten thousand real servers a second
// would otherwise keep as many sockets in TIME_WAIT for a minute each. What was written and not yet sent is lost then, so
// close when the answer is there.
func Dial(ctx context.Context, t Target) (*net.TCPConn, error) {
	where, err := t.where()
	if err != nil {
		return nil, err
	}
	d := t.Egress.dialer("tcp", nil)
	// Not DialTCP: it binds the socket to the local address, also to one that is not given, at the price of a system call.
	conn, err := d.DialContext(ctx, "tcp", where.String())
	var errno syscall.Errno
	egress := t.Egress.failed(err)
	switch {
	case egress != nil:
		return nil, egress
	case err == nil:
		c := conn.(*net.TCPConn)
		if err := c.SetLinger(0); err != nil {
			c.Close()
			return nil, fmt.Errorf("connect %s: %w", where, err)
		}
		return c, nil
	case errors.As(err, &errno) && errno != syscall.ETIMEDOUT:
		return nil, fmt.Errorf("connect %s: %w", where, errno)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: connect %s", &TimeoutError{t}, where)
	}
	return nil, fmt.Errorf("connect %s: %w", where, err)
}

// where returns the target's address and port, or says which of them is missing.
func (t Target) where() (netip.AddrPort, error) {
	switch {
	case !t.Address.IsValid():
		return netip.AddrPort{}, errors.New("there is no address to connect to")
	case t.Port == 0:
		return netip.AddrPort{}, fmt.Errorf("there is no port of %s to connect to", t.Address)
	}
	return netip.AddrPortFrom(t.Address, t.Port), nil
}

// A TimeoutError says that a target's time-out is over: "timeout after 3s". errors.Is knows it as
// context.DeadlineExceeded.
type TimeoutError struct{ Target Target }

// Error returns the words.
func (e *TimeoutError) Error() string { return "timeout after " + e.Target.Schedule.Timeout.String() }

// Is says whether target is the context's error.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
