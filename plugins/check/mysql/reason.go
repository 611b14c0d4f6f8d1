package mysql

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/go-sql-driver/mysql"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// A line is the connection, which remembers why it broke: the library forgets it.
type line struct {
	*dialog.Conn
	begins []byte // what was read of the server's greeting, and not yet by the library
	secure bool   // the handshake of TLS has begun
	err    error  // the first one
}

// greet reads the beginning of the greeting, which tells another protocol from MySQL's: a packet (its length in three bytes,
// its number, 0) that begins with the version of the protocol, 10, or is an error, 255. The library would take any length.
func (l *line) greet() error {
	b := make([]byte, 64)
	n, err := io.ReadAtLeast(l.Conn, b, 5)
	switch {
	case n > 4 && b[2] == 0 && b[3] == 0 && (b[4] == 10 || b[4] == 0xff):
		l.begins = b[:n]
		return nil
	case n > 4 || n > 0 && errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("not MySQL: the answer begins with %q", b[:min(n, 40)])
	}
	return l.Reason(err, "waiting for the greeting")
}

// Read reads.
func (l *line) Read(b []byte) (int, error) {
	if len(l.begins) > 0 {
		n := copy(b, l.begins)
		l.begins = l.begins[n:]
		return n, nil
	}
	n, err := l.Conn.Read(b)
	l.note(err)
	return n, err
}

// Write writes.
func (l *line) Write(b []byte) (int, error) {
	if len(b) > 1 && b[0] == 0x16 && b[1] == 3 { // a handshake record, RFC 8446, section 5.1
		l.secure = true
	}
	n, err := l.Conn.Write(b)
	l.note(err)
	return n, err
}

func (l *line) note(err error) {
	if l.err == nil {
		l.err = err
	}
}

// broken says whether an error is what the library makes of a connection that does not go on.
func broken(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) || err.Error() == "bad connection"
}

// reason says in an operator's words why what was being done has failed.
func (p *probing) reason(err error, doing string) error {
	var refused *mysql.MySQLError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("the server refuses: %s (%d)", dialog.Short(refused.Message), refused.Number)
	case p.ctx.Err() != nil:
		return p.line.Reason(p.ctx.Err(), doing)
	case broken(err) && p.line.err != nil:
		return p.line.Reason(p.line.err, doing)
	case broken(err):
		return fmt.Errorf("%s: not what a server of MySQL says", doing)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return p.line.Reason(err, doing)
	}
	return fmt.Errorf("%s: %s", doing, dialog.Plain(err))
}
