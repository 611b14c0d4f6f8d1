package ssh

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
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
		want authorized
		err  string
	}{
		{text: k},
		{text: k + " alice@laptop of  Alice", want: authorized{comment: "alice@laptop of  Alice"}},
		{text: k + " \x1b[31mred\xff", want: authorized{comment: "?[31mred?"}},
		{text: "no-port-forwarding,No-Agent-Forwarding " + k + " a", want: authorized{comment: "a"}},
		{text: `from="192.0.2.0/24,2001:db8::1" ` + k, want: authorized{from: "192.0.2.0/24,2001:db8::1"}},
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
		{text: "-----BEGIN OPENSSH PRIVATE KEY-----", err: "no public key"},
		{text: string(ssh.MarshalAuthorizedKey(certificate)), err: "certificates"},
		{text: string(ssh.MarshalAuthorizedKey(short)), err: "1024 bits"},
	} {
		_, got, err := parseKey(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(authorized{})); err != nil || d != "" {
			t.Errorf("%q: %v (-want +got):\n%s", c.text, err, d)
		}
	}
}

func TestOneBadLineIsNamedOnceAndTheOthersAreGood(t *testing.T) {
	a, b := newKey(t), newKey(t)
	text := []byte("# keys\n" + line(a) + "\r\n\nno-pty " + line(a) + "\n   " + line(b) + " bob")
	var log journal
	var ring keyring
	logger := hclog.New(&hclog.LoggerOptions{Output: &log})
	for range 3 {
		if got := ring.read(logger, "/data/console/authorized_keys", text); len(got) != 2 || got[string(b.PublicKey().Marshal())].comment != "bob" {
			t.Errorf("the keys are %v", got)
		}
	}
	if s := log.String(); strings.Count(s, "authorized_keys:") != 1 || !strings.Contains(s, "line=/data/console/authorized_keys:4") {
		t.Errorf("the log is\n%s", s)
	}
	if got := ring.read(logger, "x", nil); len(got) != 0 {
		t.Errorf("an empty file has keys: %v", got)
	}
}

func FuzzALineWithAKeyIsNoPanic(f *testing.F) {
	f.Add(`from="192.0.2.0/24" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFbqqFjTMJVJpHfXBAYv1xCHTMXI0m5KMbtUFzvSfeu+ a`)
	f.Add(`command="a \" b",no-pty ssh-rsa AAAA`)
	f.Fuzz(func(t *testing.T, text string) {
		if k, _, err := parseKey(text); k == nil && err == nil {
			t.Errorf("%q is neither a key nor an error", text)
		}
	})
}
