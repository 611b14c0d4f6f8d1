package dialog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial connects for a probe with a time-out.
func dial(t *testing.T, a net.Addr, timeout time.Duration) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	target := sdktest.TargetAt(a)
	target.Schedule.Timeout = timeout
	c, err := Dial(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestALineIsReadWholeOrNotAtAll(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, tt := range []struct {
		name   string
		server net.Addr
		want   string // "=": the line
	}{
		{"with CR LF", sdktest.Greet(t, "hello\r\n"), "=hello"},
		{"with LF", sdktest.Greet(t, "hello\nmore"), "=hello"},
		{"the longest", sdktest.Greet(t, long[2:]+"\r\n"), "=" + long[2:]},
		{"longer", sdktest.Greet(t, long+"\r\n"), `waiting: the line is longer than 8192 bytes, it begins with "` + long[:40] + `"`},
		{"nothing", sdktest.Silent(t), "timeout after 100ms waiting"},
		{"half", sdktest.Greet(t, "hel"), `timeout after 100ms waiting, of which came "hel"`},
		{"half and an end", sdktest.Accept(t, func(c *net.TCPConn) { io.WriteString(c, "hel") }), `waiting: the server closed the connection, of which came "hel"`},
		{"an end", sdktest.Accept(t, func(*net.TCPConn) {}), "waiting: the server closed the connection"},
		{"a reset", sdktest.Script(t, nil, "RST"), "waiting: connection reset by peer"},
	} {
		line, err := dial(t, tt.server, 100*time.Millisecond).ReadLine("waiting")
		got := "=" + line
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNoMoreIsReadOfAServerThanTheBound(t *testing.T) {
	for _, bound := range []int64{0, 1000, MaxBytes} {
		c := dial(t, sdktest.Endless(t, "", "hello\r\n"), 5*time.Second)
		if bound != MaxBytes {
			c.Bound(bound)
		}
		n := 0
		for {
			line, err := c.ReadLine("waiting")
			if err != nil {
				if want := fmt.Sprintf("the server sends more than %d bytes", bound); err.Error() != want {
					t.Errorf("got %q, want %q", err, want)
				}
				break
			}
			n += len(line) + 2
		}
		if int64(n) > bound {
			t.Errorf("%d bytes were read, at most %d should be", n, bound)
		}
	}
	c := dial(t, sdktest.Endless(t, "", "hello\r\n"), 5*time.Second)
	c.Bound(-1)
	if _, err := io.CopyN(io.Discard, c, 10*MaxBytes); err != nil {
		t.Errorf("without a bound: %v", err)
	}
}

func TestTheProbesDeadlineIsMovedByNobody(t *testing.T) {
	c := dial(t, sdktest.Silent(t), 100*time.Millisecond)
	c.SetDeadline(time.Now().Add(time.Hour))
	c.SetReadDeadline(time.Now().Add(time.Hour))
	begin := time.Now()
	if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

func TestAProbeThatIsCalledOffEndsItsConnection(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Dial(ctx, sdktest.TargetAt(sdktest.Silent(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := c.ReadLine("waiting"); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestReplies(t *testing.T) {
	for _, tt := range []struct{ said, want string }{
		{"220 mail.example.com ESMTP\r\n", "220 mail.example.com ESMTP"},
		{"220\r\n", "220"},
		{"220-one\r\n220-two\r\n220 three\r\n", "220 one two three"},
		{"220-one\n220\n", "220 one"},
		{"220-one\r\n two, says an FTP server\r\n220 three\r\n", "220 one two, says an FTP server three"},
		{"220-one\r\n421 two\r\n220 three\r\n", "220 one 421 two three"},
		{"220 " + strings.Repeat("x", 200) + "\r\n", "220 " + strings.Repeat("x", 100) + "..."},
		{"421 too many connections\r\n", "220 expected, got 421 too many connections"},
		{"SSH-2.0-OpenSSH_9.2\r\n", `not SMTP: the answer begins with "SSH-2.0-OpenSSH_9.2"`},
		{"\r\n", `not SMTP: the answer begins with an empty line`},
		{"\x15\x03\x01\x00\n", `not SMTP: the server speaks TLS`},
		{"2200 x\r\n", `not SMTP: the answer begins with "2200 x"`},
		{"099 x\r\n", `not SMTP: the answer begins with "099 x"`},
		{"-22 x\r\n", `not SMTP: the answer begins with "-22 x"`},
		{"220-one\r\n", "timeout after 100ms waiting"},
	} {
		r, err := dial(t, sdktest.Greet(t, tt.said), 100*time.Millisecond).ReadReply("SMTP", "waiting")
		if err == nil {
			err = r.Want(220)
		}
		got := r.String()
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\ngot  %q\nwant %q", tt.said, got, tt.want)
		}
	}
	for _, tt := range []struct {
		code, want int
		reason     string
	}{{250, 2, ""}, {354, 2, "2xx expected, got 354"}, {251, 25, ""}, {240, 25, "25x expected, got 240"}, {250, 250, ""}} {
		err := Reply{Code: tt.code}.Want(tt.want)
		if got := fmt.Sprint(err); err != nil && got != tt.reason || err == nil && tt.reason != "" {
			t.Errorf("%d, want %d: %v", tt.code, tt.want, err)
		}
	}
}

func TestARefusedCommandIsNamedAndItsPasswordIsNot(t *testing.T) {
	c := dial(t, sdktest.Script(t, nil, "C: EHLO a", "S: 250 hello", "C: PASS secret", "S: 530 no"), 5*time.Second)
	if _, err := c.Ask("FTP", "EHLO a", 250); err != nil {
		t.Error(err)
	}
	r, err := c.Ask("FTP", "PASS secret", 230)
	if err == nil || err.Error() != "PASS: 230 expected, got 530 no" || r.Code != 530 {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := c.Ask("FTP", "PASS secret", 230); err == nil || err.Error() != "waiting for the answer to PASS: the server closed the connection" {
		t.Errorf("%v", err)
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"220 a\r\n", "220-a\r\n220 b\r\n", "220-a\nb\n220\n", "", "22", "\x00\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		us, them := net.Pipe()
		go func() { io.WriteString(them, s); them.Close() }()
		defer us.Close()
		r, err := Wrap(t.Context(), sdk.Target{Address: netip.IPv6Loopback()}, us).ReadReply("SMTP", "waiting")
		switch {
		case err != nil && len(err.Error()) > 512:
			t.Errorf("a reason of %d bytes", len(err.Error()))
		case err == nil && (r.Code < 100 || r.Code > 999 || len(r.Text) > len(s)):
			t.Errorf("%q is %+v", s, r)
		}
	})
}

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

func TestALibraryThatMakesATextOfAnErrorLosesNothing(t *testing.T) {
	c := dial(t, sdktest.Script(t, nil, "S: hello\r\nthis is the answer of a server that goes on for a while", "RST"), 5*time.Second)
	_, err := io.ReadAll(c)
	if got, want := c.Reason(fmt.Errorf("cannot read: %s", err), "asking"), "asking: connection reset by peer"; got.Error() != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := c.Beginning(), "hello\r\nthis is the answer of a server th"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := NotSpoken("LDAP", c.Beginning()).Error(), `not LDAP: the answer begins with "hello"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
