package http

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// failed says in an operator's words why something that was being done has failed.
func (l *line) failed(ctx context.Context, err error, doing string) error {
	if errors.Is(err, errHeaderTooLong) || errors.Is(err, errNotHTTP2) {
		return err
	}
	if broken := dialog.Broken(ctx, l.target, err, doing); broken != nil {
		return broken
	}
	var network net.Error
	switch {
	case l.http2:
		return fmt.Errorf("%s: HTTP/2: %s", doing, plain(err))
	case errors.As(err, &network), doing != waiting:
		return fmt.Errorf("%s: %s", doing, plain(err))
	}
	return fmt.Errorf("not HTTP: %s", plain(err))
}

// What a probe may be doing.
const (
	sending = "sending the request"
	waiting = "waiting for the response"
	reading = "reading the body"
)

// sniff looks at the first bytes of an answer, which tell another protocol before it has said all it has to say.
func (l *line) sniff(ctx context.Context, r *bufio.Reader) error {
	const begin = "HTTP/"
	b, err := r.Peek(len(begin))
	switch {
	case string(b) == begin:
		return nil
	case len(b) == 0 && err == io.EOF:
		return errors.New("the server closed the connection without an answer")
	case strings.HasPrefix(begin, string(b)):
		return l.failed(ctx, err, waiting)
	case len(b) > 1 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3: // alert or handshake, RFC 8446, section 5.1
		return errors.New("not HTTP: the server speaks TLS")
	case len(b) == len(begin) && b[0] == 0 && b[3] == 4: // SETTINGS, RFC 9113, section 6.5
		return errors.New("not HTTP/1.1: the server speaks HTTP/2")
	}
	b, _ = r.Peek(min(r.Buffered(), 64))
	if i := bytes.IndexAny(b, "\r\n"); i > 0 {
		b = b[:i]
	}
	return fmt.Errorf("not HTTP: the answer begins with %q", b)
}

// plain is an error's text without the names of Go's packages.
func plain(err error) string {
	s := err.Error()
	for _, prefix := range []string{"net/http: ", "http2: ", "http: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	return dialog.Plain(errors.New(s))
}
