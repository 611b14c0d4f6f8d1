package http

import (
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
)

// shakeHands makes TLS of the connection.
func (l *line) shakeHands(ctx context.Context) error {
	config := l.plan.tlsConfig
	if config.ServerName == "" || l.plan.roots != nil {
		config = config.Clone()
		if config.ServerName == "" {
			config.ServerName = l.target.Address.WithZone("").String()
		}
		if l.plan.roots != nil {
			pool, err := l.plan.roots.pool()
			if err != nil {
				return err
			}
			config.RootCAs = pool
		}
	}
	c := tls.Client(l.tcp, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return l.failedTLS(ctx, err, config.ServerName)
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

// failedTLS is failed for the handshake.
func (l *line) failedTLS(ctx context.Context, err error, name string) error {
	var (
		record  tls.RecordHeaderError
		refused *tls.CertificateVerificationError
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &record):
		return fmt.Errorf("not TLS: the answer begins with %q", record.RecordHeader[:])
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if errors.As(err, &refused) && !invalid.Cert.Equal(refused.UnverifiedCertificates[0]) { // an authority's
			name = short(invalid.Cert.Subject.String())
		}
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
	case errors.As(err, &refused):
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
