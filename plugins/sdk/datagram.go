package sdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Exchange sends request to a check's target in one UDP datagram and waits for the answer, which it returns. accept says
// whether a datagram from the target is the answer: nil takes it, an error says why it is none, and waiting goes on.
// longest is the length of the longest answer in bytes; what is beyond is cut off. Errors are those of Datagrams.
func Exchange(ctx context.Context, t Target, request []byte, longest int, accept func(datagram []byte) error) ([]byte, error) {
	d, err := DialUDP(ctx, t)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.Send(request); err != nil {
		return nil, err
	}
	return d.Receive(make([]byte, longest), accept)
}

// Datagrams are those between a UDP socket of its own and a check's target: what others send to the socket is dropped by
// the kernel. Its errors are reasons as operators read them: "10.0.0.1:53: port unreachable", "no answer within 1s".
type Datagrams struct {
	ctx    context.Context
	target Target
	conn   net.Conn
	unbind func() bool
}

// DialUDP makes a socket for a target. All that is done with it ends with ctx.
func DialUDP(ctx context.Context, t Target) (*Datagrams, error) {
	where, err := t.where()
	if err != nil {
		return nil, err
	}
	dialer := t.Egress.dialer("udp", hearICMP)
	conn, err := dialer.DialContext(ctx, "udp", where.String())
	d := &Datagrams{ctx: ctx, target: t, conn: conn}
	if err != nil {
		return nil, d.failed(err, nil)
	}
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	d.unbind = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return d, nil
}

// hearICMP makes the socket tell of all ICMP errors, also of those that say that a host is unreachable: without it Linux
// takes them for passing ones and keeps them to itself, ip(7), IP_RECVERR.
func hearICMP(network, _ string, c syscall.RawConn) error {
	var err error
	control := func(fd uintptr) {
		if network == "udp6" {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		}
	}
	if e := c.Control(control); e != nil {
		return e
	}
	return err
}

// Local is the socket's own address, for protocols that tell it.
func (d *Datagrams) Local() netip.AddrPort { return d.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Send sends a datagram. An error may be that of an earlier one.
func (d *Datagrams) Send(b []byte) error {
	if _, err := d.conn.Write(b); err != nil {
		return d.failed(err, nil)
	}
	return nil
}

// maxIgnored is how many datagrams that are not the answer are looked at: a target that sends for ever is not waited for.
const maxIgnored = 100

// Receive reads datagrams into buf until accept takes one, which it returns. accept may be nil: any is taken.
func (d *Datagrams) Receive(buf []byte, accept func(datagram []byte) error) ([]byte, error) {
	var ignored error
	for range maxIgnored {
		n, err := d.conn.Read(buf)
		if err != nil {
			return nil, d.failed(err, ignored)
		}
		if accept == nil {
			return buf[:n], nil
		}
		if ignored = accept(buf[:n]); ignored == nil {
			return buf[:n], nil
		}
	}
	return nil, fmt.Errorf("%d datagrams and none of them the answer: %w", maxIgnored, ignored)
}

// Close closes the socket.
func (d *Datagrams) Close() error {
	d.unbind()
	return d.conn.Close()
}

// failed says in an operator's words why there is no answer.
func (d *Datagrams) failed(err, ignored error) error {
	where := netip.AddrPortFrom(d.target.Address, d.target.Port)
	var errno syscall.Errno
	egress := d.target.Egress.failed(err)
	switch {
	case egress != nil:
		return egress
	case errors.Is(d.ctx.Err(), context.Canceled):
		return d.ctx.Err()
	case d.ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded):
		return &SilenceError{d.target, ignored}
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: %w", where, ErrPortUnreachable)
	case errors.Is(err, syscall.EHOSTUNREACH):
		return fmt.Errorf("%s: host unreachable", where)
	case errors.As(err, &errno):
		return fmt.Errorf("%s: %w", where, errno)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// ErrPortUnreachable is what the target's kernel says by ICMP when nobody listens.
var ErrPortUnreachable = errors.New("port unreachable")

// A SilenceError says that the answer did not come in time: "no answer within 1s". errors.Is knows it as
// context.DeadlineExceeded.
type SilenceError struct {
	Target  Target
	Ignored error // why the last datagram that came was not the answer; nil: none came
}

// Error returns the words.
func (e *SilenceError) Error() string {
	s := "no answer within " + e.Target.Schedule.Timeout.String()
	if e.Ignored != nil {
		s += ", and what came was none: " + e.Ignored.Error()
	}
	return s
}

// Is says whether target is the context's error.
func (e *SilenceError) Is(target error) bool { return target == context.DeadlineExceeded }
