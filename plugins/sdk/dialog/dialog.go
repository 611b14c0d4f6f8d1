// Package dialog is a check's conversation with one server: a connection that ends with the probe, from which no more is
// read than a probe needs, in clear text or by TLS, and reasons in an operator's words when it goes wrong.
//
//	type Config struct {
//		dialog.TLS // tls, sni, verify, ca_file, cert_file, key_file
//	}
//
//	func probe(ctx context.Context, t sdk.Target, c Config) error {
//		conn, err := dialog.Dial(ctx, t)
//		if err != nil {
//			return err
//		}
//		defer conn.Close()
//		if c.TLS.On {
//			if err := conn.SpeakTLS(&c.TLS, ""); err != nil {
//				return err
//			}
//		}
//		line, err := conn.ReadLine("waiting for the greeting")
//		...
//	}
//
// A client library gets the Conn as its net.Conn, and its errors become reasons by [Conn.Reason]. All errors of this
// package are reasons already.
package dialog

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Conn is the connection of one probe. It ends with the probe's context.
type Conn struct {
	net.Conn // the TCP connection, or TLS over it
	Witness  // of what was read since the connection is what it is

	ctx    context.Context // of the one probe that this connection is for
	target sdk.Target
	tcp    net.Conn
	in     BoundedReader
	lines  *bufio.Reader // nil: no line was read yet
	unbind func() bool
}

// MaxBytes is how much is read from a server in one probe, in bytes, if nothing else was set.
const MaxBytes = 64 << 10

// Dial connects by TCP, as sdk.Dial, whose words for what goes wrong it has.
func Dial(ctx context.Context, t sdk.Target) (*Conn, error) {
	tcp, err := sdk.Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	return Wrap(ctx, t, tcp), nil
}

// Wrap makes a Conn of a connection that is there already.
func Wrap(ctx context.Context, t sdk.Target, tcp net.Conn) *Conn {
	c := &Conn{Conn: tcp, ctx: ctx, target: t, tcp: tcp}
	c.in = BoundedReader{From: tcp, Left: MaxBytes, Full: tooMuch(MaxBytes)}
	if deadline, ok := ctx.Deadline(); ok {
		tcp.SetDeadline(deadline)
	}
	c.unbind = context.AfterFunc(ctx, func() { tcp.SetDeadline(time.Unix(1, 0)) })
	return c
}

// Bound sets how many more bytes may be read, in place of MaxBytes; a negative number: as many as there are.
func (c *Conn) Bound(n int64) { c.in.Left, c.in.Full = n, tooMuch(n) }

// Close resets the connection: nothing more is expected of either side. What was written and not yet sent is lost.
func (c *Conn) Close() error {
	c.unbind()
	return c.tcp.Close() // not TLS's: it would wait for the server to take its farewell
}

// Read reads, until the bound.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.Saw(b[:n], err)
	return n, err
}

// SetDeadline does nothing, and neither do the two beside it: the deadline is the probe's, and no library moves it.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// A BoundError says that a server has sent more than is read of one.
type BoundError struct{ Bytes int64 }

// Error returns the words.
func (e *BoundError) Error() string {
	return fmt.Sprintf("the server sends more than %d bytes", e.Bytes)
}

func tooMuch(n int64) error { return &BoundError{n} }

// A BoundedReader is a reader of so many bytes, and no more.
type BoundedReader struct {
	From io.Reader
	Left int64 // negative: as many as there are
	Full error // what is returned when there is more
}

// Read reads.
func (r *BoundedReader) Read(b []byte) (int, error) {
	if r.Left < 0 {
		return r.From.Read(b)
	}
	if r.Left == 0 {
		return 0, r.Full
	}
	n, err := r.From.Read(b[:min(int64(len(b)), r.Left)])
	r.Left -= int64(n)
	return n, err
}
