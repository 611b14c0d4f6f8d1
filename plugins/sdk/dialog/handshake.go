package dialog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

const shaking = "shaking hands by TLS"

// HandshakeReason is Reason for a handshake of TLS with a server whose certificate should have that name.
func HandshakeReason(ctx context.Context, t sdk.Target, err error, name string) error {
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
			name = Short(invalid.Cert.Subject.String())
		}
		if now := time.Now(); now.Before(invalid.Cert.NotBefore) {
			return fmt.Errorf("certificate of %s is not valid before %s", name, day(invalid.Cert.NotBefore))
		}
		return fmt.Errorf("certificate of %s has expired on %s", name, day(invalid.Cert.NotAfter))
	case errors.As(err, &host) && names(host.Certificate) == "":
		return fmt.Errorf("certificate is not for %s: it has no names", name)
	case errors.As(err, &host):
		return fmt.Errorf("certificate is not for %s but for %s", name, names(host.Certificate))
	case errors.As(err, &unknown):
		return fmt.Errorf("certificate of %s is signed by an unknown authority: %q", name, Short(unknown.Cert.Issuer.CommonName))
	case errors.As(err, &refused):
		return fmt.Errorf("certificate of %s: %s", name, Plain(err))
	}
	if reason, ok := alert(err); ok {
		return fmt.Errorf("%s: the server refuses: %s", shaking, reason)
	}
	if broken := Broken(ctx, t, err, shaking); broken != nil {
		return broken
	}
	return fmt.Errorf("%s: %s", shaking, Plain(err))
}

// day is how dates are written in reasons.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// names are those that a certificate is for, a few of them.
func names(c *x509.Certificate) string {
	list := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) > 3 {
		list = append(list[:3:3], "...")
	}
	return Short(strings.Join(list, ", "))
}
