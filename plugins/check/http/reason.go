package http

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// failed says in an operator's words why something that was being done has failed.
func (l *line) failed(ctx context.Context, err error, doing string) error {
	var errno syscall.Errno
	var network net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w %s", &sdk.TimeoutError{Target: l.target}, doing)
	case errors.Is(err, errHeaderTooLong):
		return errHeaderTooLong
	case errors.As(err, &errno):
		return fmt.Errorf("%s: %w", doing, errno)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the server closed the connection", doing)
	}
	reason := plain(err)
	switch refusal, refused := alert(err); {
	case refused:
		return fmt.Errorf("%s: the server ended TLS: %s", doing, refusal)
	case strings.Contains(reason, "looked like an HTTP/1.1 header"):
		return errors.New("not HTTP/2: the server speaks HTTP/1.1")
	case strings.HasPrefix(reason, "frame too large"):
		return errors.New("not HTTP/2: a frame is too large")
	case l.http2:
		return fmt.Errorf("%s: HTTP/2: %s", doing, reason)
	case errors.As(err, &network), doing != waiting:
		return fmt.Errorf("%s: %s", doing, reason)
	}
	return fmt.Errorf("not HTTP: %s", reason)
}

// What a probe may be doing.
const (
	shaking = "shaking hands by TLS"
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
	case len(b) < len(begin) && err != nil && (err != io.EOF || strings.HasPrefix(begin, string(b))):
		return l.failed(ctx, err, waiting)
	case len(b) >= 2 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3: // RFC 8446, section 5.1: alert, handshake
		return errors.New("not HTTP: the server speaks TLS")
	case len(b) == 5 && b[0] == 0 && b[3] == 4: // RFC 9113, section 6.5: SETTINGS
		return errors.New("not HTTP/1.1: the server speaks HTTP/2")
	}
	b, _ = r.Peek(min(r.Buffered(), 64))
	if i := strings.IndexAny(string(b), "\r\n"); i >= 0 {
		b = b[:i]
	}
	return fmt.Errorf("not HTTP: the answer begins with %q", b)
}

// failedTLS is failed for the handshake.
func (l *line) failedTLS(ctx context.Context, err error, name string) error {
	var (
		record  tls.RecordHeaderError
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &record):
		return fmt.Errorf("not TLS: the answer begins with %q", record.RecordHeader[:])
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if now := time.Now(); now.Before(invalid.Cert.NotBefore) {
			return fmt.Errorf("certificate of %s is not valid before %s", name, invalid.Cert.NotBefore.UTC().Format(day))
		}
		return fmt.Errorf("certificate of %s has expired on %s", name, invalid.Cert.NotAfter.UTC().Format(day))
	case errors.As(err, &host) && names(host.Certificate) == "":
		return fmt.Errorf("certificate is not for %s: it has no names", name)
	case errors.As(err, &host):
		return fmt.Errorf("certificate is not for %s but for %s", name, names(host.Certificate))
	case errors.As(err, &unknown):
		return fmt.Errorf("certificate of %s is signed by an unknown authority: %q", name, short(unknown.Cert.Issuer.CommonName))
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return fmt.Errorf("certificate of %s: %s", name, plain(err))
	}
	if reason, ok := alert(err); ok {
		return fmt.Errorf("%s: the server refuses: %s", shaking, reason)
	}
	var errno syscall.Errno
	if ctx.Err() == nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.As(err, &errno) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: %s", shaking, plain(err))
	}
	return l.failed(ctx, err, shaking)
}

// alert returns the text of an alert that the server sent.
func alert(err error) (string, bool) {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return plain(op.Err), true
	}
	return "", false
}

// day is how dates are written in reasons.
const day = time.DateOnly

// names are those that a certificate is for, a few of them.
func names(c *x509.Certificate) string {
	list := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) > 3 {
		list = append(list[:3:3], "...")
	}
	return short(strings.Join(list, ", "))
}

// short returns the beginning of a long text of the server's.
func short(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

// plain is an error's text without the names of Go's packages.
func plain(err error) string {
	s := err.Error()
	for _, prefix := range []string{"net/http: ", "http2: ", "http: ", "tls: failed to verify certificate: ", "tls: ", "x509: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	return s
}
