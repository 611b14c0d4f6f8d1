package http

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
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
	a := sdktest.NewAuthority(t, "The Authority")
	loopback := []net.IP{net.IPv4(127, 0, 0, 1)}
	const days = 24 * time.Hour
	expired, early := sdktest.Leaf{Names: []string{"a.example.com"}, From: -9 * days, To: -2 * days}, sdktest.Leaf{Names: []string{"a.example.com"}, From: 2 * days, To: 9 * days}
	for _, tt := range []struct {
		name   string
		leaf   sdktest.Leaf
		config map[string]any
		want   string
	}{
		{"the name is host", sdktest.Leaf{Names: []string{"a.example.com"}}, map[string]any{"host": "a.example.com"}, ""},
		{"the name is host, without its port", sdktest.Leaf{Names: []string{"a.example.com"}}, map[string]any{"host": "a.example.com:8443"}, ""},
		{"the name is sni, whatever host", sdktest.Leaf{Names: []string{"a.example.com"}}, map[string]any{"host": "b.example.com", "sni": "a.example.com"}, ""},
		{"the name is the address", sdktest.Leaf{Addresses: loopback}, nil, ""},
		{"another name", sdktest.Leaf{Names: []string{"a.example.com", "b.example.com"}}, map[string]any{"host": "c.example.com"},
			"certificate is not for c.example.com but for a.example.com, b.example.com"},
		{"a name, and it is asked by address", sdktest.Leaf{Names: []string{"a.example.com"}}, nil, "certificate is not for 127.0.0.1 but for a.example.com"},
		{"no name at all", sdktest.Leaf{}, map[string]any{"host": "c.example.com"}, "certificate is not for c.example.com: it has no names"},
		{"expired", expired, map[string]any{"host": "a.example.com"}, "certificate of a.example.com has expired on " + time.Now().Add(-2*days).UTC().Format(time.DateOnly)},
		{"not yet valid", early, map[string]any{"host": "a.example.com"}, "certificate of a.example.com is not valid before " + time.Now().Add(2*days).UTC().Format(time.DateOnly)},
		{"expired, and nobody cares", expired, map[string]any{"verify": false}, ""},
	} {
		config := map[string]any{"tls": true, "ca_file": a.File}
		for k, v := range tt.config {
			config[k] = v
		}
		if got := ask(t, secure(t, a.Serve(t, tt.leaf)), jsonOf(t, config)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	got := ask(t, secure(t, a.Serve(t, sdktest.Leaf{Addresses: loopback})), `{"tls":true}`)
	if want := `certificate of 127.0.0.1 is signed by an unknown authority: "The Authority"`; got != want {
		t.Errorf("without ca_file: got %q, want %q", got, want)
	}
}

func TestTheNameIsSentToTheServer(t *testing.T) {
	a := sdktest.NewAuthority(t, "")
	for _, tt := range []struct{ attributes, want string }{
		{`"host":"a.example.com:8443"`, "a.example.com"},
		{`"host":"a.example.com","sni":"b.example.com"`, "b.example.com"},
		{`"path":"/"`, ""}, // an address is not sent (RFC 6066, section 3)
	} {
		config := a.Serve(t, sdktest.Leaf{})
		asked := make(chan string, 1)
		config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { asked <- h.ServerName; return nil, nil }
		ask(t, secure(t, config), `{"tls":true,"verify":false,`+tt.attributes+`}`)
		if got := <-asked; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.attributes, got, tt.want)
		}
	}
}

func TestTheVersionOfHTTPIsNegotiatedOrDemanded(t *testing.T) {
	a := sdktest.NewAuthority(t, "")
	both := secure(t, a.Serve(t, sdktest.Leaf{}), func(s *httptest.Server) { s.EnableHTTP2 = true })
	old := secure(t, a.Serve(t, sdktest.Leaf{}))
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
	old := sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{})
	old.MaxVersion, old.MinVersion = tls.VersionTLS11, tls.VersionTLS10
	none := sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{})
	none.NextProtos = []string{"spdy"}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, tt := range []struct {
		server net.Addr
		want   string
	}{
		{secure(t, old), "shaking hands by TLS: the server refuses: protocol version not supported"},
		{plain.Listener.Addr(), `not TLS: the answer begins with "HTTP/"`},
		{sdktest.Answer(t, ""), "shaking hands by TLS: the server closed the connection"},
	} {
		if got := ask(t, tt.server, `{"tls":true,"verify":false}`); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if got, want := askWithin(t, sdktest.Silent(t), `{"tls":true}`, 100*time.Millisecond), "timeout after 100ms shaking hands by TLS"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestACertificateThatTheServerWantsAndTheCheckHasNot(t *testing.T) {
	for version, want := range map[uint16]string{
		tls.VersionTLS12: "shaking hands by TLS: the server refuses: handshake failure",
		tls.VersionTLS13: "waiting for the response: the server ended TLS: certificate required",
	} {
		config := sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{})
		config.ClientAuth, config.MaxVersion = tls.RequireAnyClientCert, version
		if got := ask(t, secure(t, config), `{"tls":true,"verify":false,"http_version":"1.1"}`); got != want {
			t.Errorf("%s: got %q, want %q", tls.VersionName(version), got, want)
		}
	}
}

func TestAnAuthoritysCertificateThatHasExpiredIsNamed(t *testing.T) {
	root := sdktest.NewAuthority(t, "The Root")
	middle := root.Below(t, "The Middle", -48*time.Hour, -24*time.Hour)
	config := middle.Serve(t, sdktest.Leaf{Names: []string{"a.example.com"}})
	config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, middle.Certificate.Raw)
	got := ask(t, secure(t, config), jsonOf(t, map[string]any{"tls": true, "host": "a.example.com", "ca_file": root.File}))
	want := "certificate of CN=The Middle has expired on " + middle.Certificate.NotAfter.UTC().Format(time.DateOnly)
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
