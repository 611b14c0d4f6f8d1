package authorized

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestALineWithAKeyIsUsedAsItSaysOrRefused(t *testing.T) {
	k := line(newKey(t))
	certificate := &ssh.Certificate{Key: newKey(t).PublicKey(), CertType: ssh.UserCert, ValidBefore: uint64(time.Now().Add(time.Hour).Unix())}
	if err := certificate.SignCert(rand.Reader, newKey(t)); err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	short, err := ssh.NewPublicKey(&small.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		want Key
		err  string
	}{
		{text: k},
		{text: k + " alice@laptop of  Alice", want: Key{Comment: "alice@laptop of  Alice"}},
		{text: k + " \x1b[31mred\xff", want: Key{Comment: "?[31mred?"}},
		{text: "no-port-forwarding,No-Agent-Forwarding " + k + " a", want: Key{Comment: "a"}},
		{text: `from="192.0.2.0/24,2001:db8::1" ` + k, want: Key{From: "192.0.2.0/24,2001:db8::1"}},
		{text: `from="*.example.com" ` + k, err: "no address"},
		{text: `from="" ` + k, err: "no address"},
		{text: `from="!192.0.2.1" ` + k, err: "no address"},
		{text: `command="evenkeel status" ` + k, err: `option "command"`},
		{text: `no-pty ` + k, err: `option "no-pty"`},
		{text: `restrict,pty ` + k, err: `option "restrict"`},
		{text: `cert-authority ` + k, err: `option "cert-authority"`},
		{text: `expiry-time="20200101" ` + k, err: `option "expiry-time"`},
		{text: "ssh-ed25519 AAAA", err: "no public key"},
		{text: k[:len(k)-4], err: "no public key"},
		{text: "-----BEGIN OPENSSH PRIVATE KEY-----", err: "private key"},
		{text: k + "\n" + k, err: "no public key"},
		{text: string(ssh.MarshalAuthorizedKey(certificate)), err: "certificates"},
		{text: string(ssh.MarshalAuthorizedKey(short)), err: "1024 bits"},
	} {
		got, err := Parse(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || got.Comment != c.want.Comment || got.From != c.want.From {
			t.Errorf("%q: %v: comment %q from %q", c.text, err, got.Comment, got.From)
		}
	}
}

func FuzzALineWithAKeyIsNoPanic(f *testing.F) {
	f.Add(`from="192.0.2.0/24" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFbqqFjTMJVJpHfXBAYv1xCHTMXI0m5KMbtUFzvSfeu+ a`)
	f.Add(`command="a \" b",no-pty ssh-rsa AAAA`)
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := Parse(text); k.PublicKey == nil && err == nil {
			t.Errorf("%q is neither a key nor an error", text)
		}
	})
}

// newKey is a key, and line is how a file has it.
func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func line(k ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}
