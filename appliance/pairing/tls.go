package pairing

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// The two sides, as HKDF's info: the keys of one side are of no use for the other.
const (
	firstSide  = "evenkeel pairing 1: first director"
	secondSide = "evenkeel pairing 1: second director"
)

// key is the key of a side, of a secret that both know.
func key(secret, side string) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, []byte(secret), nil, side, ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("deriving a key of the pair's secret: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// tls returns the settings of one side, which speaks to the other and to nobody else.
func (c Code) tls(own, other string) (*tls.Config, error) { return pinned(c.secret, own, other) }

// pinned returns the settings of one side of those who know a secret.
func pinned(secret, own, other string) (*tls.Config, error) {
	mine, err := key(secret, own)
	if err != nil {
		return nil, err
	}
	peer, err := key(secret, other)
	if err != nil {
		return nil, err
	}
	// Nobody looks at what the certificate says, only at its key.
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, mine.Public(), mine)
	if err != nil {
		return nil, fmt.Errorf("making the certificate of the pair's secret: %w", err)
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: mine}},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		// What TLS would verify are names, dates and authorities, of which there are none. That the other side has the
		// key of its certificate is proved in any case (RFC 8446 section 4.4.3), and which key that is, is verified here.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 1 {
				if k, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey); ok && k.Equal(peer.Public()) {
					return nil
				}
			}
			return errCode
		},
	}, nil
}

// errCode is of a side that does not know the code.
var errCode = errors.New("the other side has another code")
