package sdktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An Authority signs certificates for the servers of a test.
type Authority struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
	File        string // with the certificate, in PEM: what ca_file is set to
}

// A Leaf is a certificate to be.
type Leaf struct {
	Names     []string
	Addresses []net.IP
	From, To  time.Duration // from now; zero: an hour ago, in an hour
}

// NewAuthority makes an authority of that name.
func NewAuthority(t *testing.T, name string) *Authority {
	t.Helper()
	return newAuthority(t, nil, name, -100*24*time.Hour, 100*24*time.Hour)
}

// Below makes an authority that this one has signed, good between two times from now.
func (a *Authority) Below(t *testing.T, name string, from, to time.Duration) *Authority {
	t.Helper()
	return newAuthority(t, a, name, from, to)
}

// newAuthority makes an authority, signed by another or, with nil, by itself.
func newAuthority(t *testing.T, signer *Authority, name string, from, to time.Duration) *Authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &Authority{Certificate: template, Key: key, File: filepath.Join(t.TempDir(), "ca.pem")}
	if signer == nil {
		signer = a
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.Certificate, &key.PublicKey, signer.Key)
	if err != nil {
		t.Fatal(err)
	}
	if a.Certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	WritePEM(t, a.File, "CERTIFICATE", der)
	return a
}

// Sign makes a certificate, in DER, and its key.
func (a *Authority) Sign(t *testing.T, l Leaf) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key := newKey(t)
	if l.From == 0 {
		l.From = -time.Hour
	}
	if l.To == 0 {
		l.To = time.Hour
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: l.Names, IPAddresses: l.Addresses,
		NotBefore: time.Now().Add(l.From), NotAfter: time.Now().Add(l.To),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, &key.PublicKey, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// Serve returns how a server with such a certificate speaks TLS.
func (a *Authority) Serve(t *testing.T, l Leaf) *tls.Config {
	t.Helper()
	der, key := a.Sign(t, l)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// Files writes such a certificate and its key to files in PEM, for a server that wants them so. Everybody may read them:
// servers that root starts become somebody else.
func (a *Authority) Files(t *testing.T, l Leaf) (cert, key string) {
	t.Helper()
	der, private := a.Sign(t, l)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := OpenDir(t)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	WritePEM(t, cert, "CERTIFICATE", der)
	WritePEM(t, key, "PRIVATE KEY", pkcs8)
	return cert, key
}

// WritePEM writes a file in PEM.
func WritePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
