package dialog

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// secure starts a server that shakes hands and says hello.
func secure(t *testing.T, config *tls.Config) net.Addr {
	return sdktest.Script(t, config, "TLS", "S: hello")
}

// speak returns what a server says by TLS, or why it does not.
func speak(t *testing.T, a net.Addr, o TLS, name string) string {
	t.Helper()
	c := dial(t, a, 5*time.Second)
	o.On = true
	if ds := o.Validate(); len(ds) > 0 {
		t.Fatal(ds)
	}
	if err := c.SpeakTLS(&o, name); err != nil {
		return err.Error()
	}
	line, err := c.ReadLine("waiting")
	if err != nil {
		return err.Error()
	}
	return line
}

func TestCertificatesAreVerifiedUnlessToldOtherwise(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	server := secure(t, a.Serve(t, sdktest.Leaf{Names: []string{"a.example.com"}, Addresses: []net.IP{net.IPv4(127, 0, 0, 1)}}))
	for _, tt := range []struct {
		o          TLS
		name, want string
	}{
		{TLS{Verify: true, CAFile: a.File}, "", "hello"},
		{TLS{Verify: true, CAFile: a.File}, "a.example.com", "hello"},
		{TLS{Verify: true, CAFile: a.File, SNI: "a.example.com"}, "b.example.com", "hello"},
		{TLS{Verify: true, CAFile: a.File}, "b.example.com", "certificate is not for b.example.com but for a.example.com, 127.0.0.1"},
		{TLS{Verify: true}, "", `certificate of 127.0.0.1 is signed by an unknown authority: "The Authority"`},
		{TLS{Verify: true, CAFile: "/no/such"}, "", `ca_file /no/such: no such file or directory`},
		{TLS{}, "", "hello"},
	} {
		if got := speak(t, server, tt.o, tt.name); got != tt.want {
			t.Errorf("%+v, %q: got %q, want %q", tt.o, tt.name, got, tt.want)
		}
	}
}

func TestTheChecksOwnCertificateIsShown(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	clients := x509.NewCertPool()
	clients.AddCert(a.Certificate)
	config := a.Serve(t, sdktest.Leaf{})
	config.ClientAuth, config.ClientCAs, config.MaxVersion = tls.RequireAndVerifyClientCert, clients, tls.VersionTLS12
	server := secure(t, config)
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"director"}})
	strangerCert, strangerKey := sdktest.NewAuthority(t, "A Stranger").Files(t, sdktest.Leaf{Names: []string{"director"}})
	both := filepath.Join(t.TempDir(), "both.pem")
	var pem []byte
	for _, f := range []string{cert, key} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pem = append(pem, b...)
	}
	if err := os.WriteFile(both, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o    TLS
		want string
	}{
		{TLS{CertFile: cert, KeyFile: key}, "hello"},
		{TLS{CertFile: both}, "hello"},
		{TLS{}, "shaking hands by TLS: the server refuses: handshake failure"},
		{TLS{CertFile: strangerCert, KeyFile: strangerKey}, "shaking hands by TLS: the server refuses: unknown certificate authority"},
		{TLS{CertFile: cert, KeyFile: strangerKey}, "cert_file " + cert + ": private key does not match public key"},
		{TLS{CertFile: cert, KeyFile: "/no/such"}, "key_file /no/such: no such file or directory"},
	} {
		if got := speak(t, server, tt.o, ""); got != tt.want {
			t.Errorf("%+v:\ngot  %q\nwant %q", tt.o, got, tt.want)
		}
	}
}

func TestNothingSaidInClearTextIsTakenForTLS(t *testing.T) {
	c := dial(t, sdktest.Greet(t, "220 go ahead\r\n250 injected\r\n"), 5*time.Second)
	if _, err := c.ReadLine("waiting"); err != nil {
		t.Fatal(err)
	}
	if err := c.SpeakTLS(&TLS{}, ""); err == nil || err.Error() != "the server says more in clear text before it changes to TLS" {
		t.Errorf("got %v", err)
	}
}

func TestTheAttributesOfTLSAreForTLSOnly(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{`{}`, ""},
		{`{"tls":true,"sni":"a","ca_file":"/a","cert_file":"/b","key_file":"/c","verify":false}`, ""},
		{`{"starttls":true,"sni":"a"}`, ""},
		{`{"sni":"a"}`, "sni: this is for TLS only"},
		{`{"verify":false}`, "verify: this is for TLS only"},
		{`{"ca_file":"/a"}`, "ca_file: this is for TLS only"},
		{`{"cert_file":"/a"}`, "cert_file: this is for TLS only"},
		{`{"tls":true,"starttls":true}`, "starttls: either tls or starttls"},
		{`{"tls":true,"sni":"a:443"}`, "sni: not a name of a server"},
		{`{"tls":true,"ca_file":"a"}`, "ca_file: not a whole path"},
		{`{"tls":true,"key_file":"/a"}`, "key_file: a key without its certificate"},
	} {
		var got string
		if _, err := sdk.Decode[StartTLS]([]byte(tt.config)); err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	first, second := sdktest.NewAuthority(t, "first"), sdktest.NewAuthority(t, "second")
	path := filepath.Join(t.TempDir(), "ca.pem")
	f := newFiles(&TLS{CAFile: path})
	pool := func() *x509.CertPool {
		t.Helper()
		var c tls.Config
		if err := f.into(&c); err != nil {
			t.Fatal(err)
		}
		return c.RootCAs
	}
	reason := func() string { return fmt.Sprint(f.into(&tls.Config{})) }
	if got, want := reason(), "ca_file "+path+": no such file or directory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := os.WriteFile(path, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := reason(), "ca_file "+path+": there is no certificate in it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i, authority := range []*sdktest.Authority{first, second} {
		sdktest.WritePEM(t, path, "CERTIFICATE", authority.Certificate.Raw)
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		want := x509.NewCertPool()
		want.AddCert(authority.Certificate)
		p := pool()
		if !p.Equal(want) {
			t.Errorf("the file's authority number %d is not the one in use", i)
		}
		if pool() != p {
			t.Error("a file that has not changed is read again")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, want := reason(), "ca_file "+path+": not a file"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
