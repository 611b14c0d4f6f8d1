package postgres

import (
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// upgrade changes to TLS as the protocol has it: SSLRequest, answered with one byte
// (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL).
func upgrade(conn *dialog.Conn, o *dialog.TLS) error {
	const asking = "asking for TLS"
	if _, err := conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return conn.Reason(err, asking)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return conn.Reason(err, asking)
	}
	switch answer[0] {
	case 'S':
		return conn.SpeakTLS(o, "")
	case 'N':
		return errors.New("the server does not speak TLS")
	}
	return fmt.Errorf("not PostgreSQL: the answer to a question for TLS begins with %q", answer)
}

// A line is the connection, which looks at the server's first words: the library would take any for a message.
type line struct {
	*dialog.Conn
	begins []byte
	done   bool // they have been looked at
	err    error
}

// Read reads.
func (l *line) Read(b []byte) (int, error) {
	if l.err == nil && !l.done {
		l.done = true
		l.begins, l.err = greet(l.Conn)
	}
	switch {
	case l.err != nil:
		return 0, l.err
	case len(l.begins) > 0:
		n := copy(b, l.begins)
		l.begins = l.begins[n:]
		return n, nil
	}
	return l.Conn.Read(b)
}

// A strangerError says that the server does not speak the protocol.
type strangerError struct{ begins []byte }

// Error returns the words.
func (e *strangerError) Error() string {
	return fmt.Sprintf("not PostgreSQL: the answer begins with %q", e.begins)
}

// greet reads the beginning of the first message: a letter and a length in four bytes. The first ones can only be about
// authentication, an error, a notice, or the version of the protocol.
func greet(r io.Reader) ([]byte, error) {
	b := make([]byte, 64)
	n, err := io.ReadAtLeast(r, b, 5)
	switch {
	case n > 4 && (b[0] == 'R' || b[0] == 'E' || b[0] == 'N' || b[0] == 'v') && b[1] == 0 && b[2] == 0:
		return b[:n], nil
	case n > 4, n > 0 && errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &strangerError{b[:min(n, 40)]}
	}
	return nil, err
}

// reason says in an operator's words why what was being done has failed.
func (p *probing) reason(err error, doing string) error {
	var refused *pgconn.PgError
	var stranger *strangerError
	var long *pgproto3.ExceededMaxBodyLenErr
	switch {
	case errors.As(err, &stranger):
		return stranger
	case errors.As(err, &refused):
		return fmt.Errorf("the server refuses: %s (%s)", dialog.Short(refused.Message), dialog.Short(refused.Code))
	case errors.As(err, &long):
		return &dialog.BoundError{Bytes: mostBytes}
	case p.ctx.Err() != nil:
		return p.line.Reason(p.ctx.Err(), doing)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) { // whose text has the address and more
		for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(next) {
			err = next
		}
	}
	return p.line.Reason(err, doing)
}
