package http

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// secure starts a site over TLS.
func secure(t *testing.T, config *tls.Config, change ...func(*httptest.Server)) net.Addr {
	t.Helper()
	s := httptest.NewUnstartedServer(site())
	s.Config.ErrorLog = discard()
	s.TLS = config
	for _, f := range change {
		f(s)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr()
}

func TestCertificatesAreVerified(t *testing.T) {
	a := newAuthority(t, "The Authority")
	loopback := []net.IP{net.IPv4(127, 0, 0, 1)}
	const days = 24 * time.Hour
	expired, early := leaf{names: []string{"a.example.com"}, from: -9 * days, to: -2 * days}, leaf{names: []string{"a.example.com"}, from: 2 * days, to: 9 * days}
	for _, tt := range []struct {
		name   string
		leaf   leaf
		config map[string]any
		want   string
	}{
		{"the name is host", leaf{names: []string{"a.example.com"}}, map[string]any{"host": "a.example.com"}, ""},
		{"the name is host, without its port", leaf{names: []string{"a.example.com"}}, map[string]any{"host": "a.example.com:8443"}, ""},
		{"the name is sni, whatever host", leaf{names: []string{"a.example.com"}}, map[string]any{"host": "b.example.com", "sni": "a.example.com"}, ""},
		{"the name is the address", leaf{addresses: loopback}, nil, ""},
		{"another name", leaf{names: []string{"a.example.com", "b.example.com"}}, map[string]any{"host": "c.example.com"},
			"certificate is not for c.example.com but for a.example.com, b.example.com"},
		{"a name, and it is asked by address", leaf{names: []string{"a.example.com"}}, nil, "certificate is not for 127.0.0.1 but for a.example.com"},
		{"no name at all", leaf{}, map[string]any{"host": "c.example.com"}, "certificate is not for c.example.com: it has no names"},
		{"expired", expired, map[string]any{"host": "a.example.com"}, "certificate of a.example.com has expired on " + time.Now().Add(-2*days).UTC().Format(day)},
		{"not yet valid", early, map[string]any{"host": "a.example.com"}, "certificate of a.example.com is not valid before " + time.Now().Add(2*days).UTC().Format(day)},
		{"expired, and nobody cares", expired, map[string]any{"verify": false}, ""},
	} {
		config := map[string]any{"tls": true, "ca_file": a.file}
		for k, v := range tt.config {
			config[k] = v
		}
		if got := ask(t, secure(t, a.serve(t, tt.leaf)), jsonOf(t, config)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	got := ask(t, secure(t, a.serve(t, leaf{addresses: loopback})), `{"tls":true}`)
	if want := `certificate of 127.0.0.1 is signed by an unknown authority: "The Authority"`; got != want {
		t.Errorf("without ca_file: got %q, want %q", got, want)
	}
}

func TestTheNameIsSentToTheServer(t *testing.T) {
	a := newAuthority(t, "")
	for _, tt := range []struct{ attributes, want string }{
		{`"host":"a.example.com:8443"`, "a.example.com"},
		{`"host":"a.example.com","sni":"b.example.com"`, "b.example.com"},
		{`"path":"/"`, ""}, // an address is not sent (RFC 6066, section 3)
	} {
		config := a.serve(t, leaf{})
		asked := make(chan string, 1)
		config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { asked <- h.ServerName; return nil, nil }
		ask(t, secure(t, config), `{"tls":true,"verify":false,`+tt.attributes+`}`)
		if got := <-asked; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.attributes, got, tt.want)
		}
	}
}

func TestTheVersionOfHTTPIsNegotiatedOrDemanded(t *testing.T) {
	a := newAuthority(t, "")
	both := secure(t, a.serve(t, leaf{}), func(s *httptest.Server) { s.EnableHTTP2 = true })
	old := secure(t, a.serve(t, leaf{}))
	for _, tt := range []struct {
		server             net.Addr
		version, got, want string
	}{
		{both, "", "HTTP/2.0", ""},
		{both, "1.1", "HTTP/1.1", ""},
		{both, "2", "HTTP/2.0", ""},
		{old, "", "HTTP/1.1", ""},
		{old, "1.1", "HTTP/1.1", ""},
		{old, "2", "", "shaking hands by TLS: the server refuses: no application protocol"},
	} {
		config := map[string]any{"tls": true, "verify": false, "path": "/echo", "body_match": tt.got}
		if tt.version != "" {
			config["http_version"] = tt.version
		}
		if got := ask(t, tt.server, jsonOf(t, config)); got != tt.want {
			t.Errorf("version %q: got %q, want %q", tt.version, got, tt.want)
		}
	}
}

func TestTLSThatGoesWrongIsSaidInWords(t *testing.T) {
	old := newAuthority(t, "").serve(t, leaf{})
	old.MaxVersion, old.MinVersion = tls.VersionTLS11, tls.VersionTLS10
	none := newAuthority(t, "").serve(t, leaf{})
	none.NextProtos = []string{"spdy"}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, tt := range []struct {
		server net.Addr
		want   string
	}{
		{secure(t, old), "shaking hands by TLS: the server refuses: protocol version not supported"},
		{plain.Listener.Addr(), `not TLS: the answer begins with "HTTP/"`},
		{talk(t, ""), "shaking hands by TLS: the server closed the connection"},
	} {
		if got := ask(t, tt.server, `{"tls":true,"verify":false}`); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if got, want := askWithin(t, silent(t), `{"tls":true}`, 100*time.Millisecond), "timeout after 100ms shaking hands by TLS"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestACertificateThatTheServerWantsAndTheCheckHasNot(t *testing.T) {
	for version, want := range map[uint16]string{
		tls.VersionTLS12: "shaking hands by TLS: the server refuses: handshake failure",
		tls.VersionTLS13: "waiting for the response: the server ended TLS: certificate required",
	} {
		config := newAuthority(t, "").serve(t, leaf{})
		config.ClientAuth, config.MaxVersion = tls.RequireAnyClientCert, version
		if got := ask(t, secure(t, config), `{"tls":true,"verify":false,"http_version":"1.1"}`); got != want {
			t.Errorf("%s: got %q, want %q", tls.VersionName(version), got, want)
		}
	}
}

func TestAnAuthoritysCertificateThatHasExpiredIsNamed(t *testing.T) {
	root := newAuthority(t, "The Root")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "The Middle"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root.certificate, &key.PublicKey, root.key)
	if err != nil {
		t.Fatal(err)
	}
	middle := &authority{key: key}
	if middle.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	config := middle.serve(t, leaf{names: []string{"a.example.com"}})
	config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, der)
	got := ask(t, secure(t, config), jsonOf(t, map[string]any{"tls": true, "host": "a.example.com", "ca_file": root.file}))
	want := "certificate of CN=The Middle has expired on " + template.NotAfter.UTC().Format(day)
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAuthoritiesAreReadFromTheirFileWhenItChanges(t *testing.T) {
	first, second := newAuthority(t, "first"), newAuthority(t, "second")
	file := filepath.Join(t.TempDir(), "ca.pem")
	a := roots{file: file}
	reason := func() string {
		_, err := a.pool()
		if err != nil {
			return err.Error()
		}
		return ""
	}
	if got, want := reason(), "ca_file "+file+": no such file or directory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := reason(), "ca_file "+file+": there is no certificate in it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i, authority := range []*authority{first, second} {
		writePEM(t, file, "CERTIFICATE", authority.certificate.Raw)
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		p, err := a.pool()
		if err != nil {
			t.Fatal(err)
		}
		want := x509.NewCertPool()
		want.AddCert(authority.certificate)
		if !p.Equal(want) {
			t.Errorf("the file's authority number %d is not the one in use", i)
		}
		if again, _ := a.pool(); again != p {
			t.Error("a file that has not changed is read again")
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	if reason() == "" {
		t.Error("a folder is taken for a file")
	}
}
