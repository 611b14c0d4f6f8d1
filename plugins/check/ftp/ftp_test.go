package ftp

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask probes a server with a configuration in JSON, and returns the reason; "": up.
func ask(t *testing.T, a net.Addr, config string) string {
	t.Helper()
	return sdktest.Ask(t, Plugin(), sdktest.TargetAt(a), config, 5*time.Second)
}

func TestAConversationIsJudgedByItsReplies(t *testing.T) {
	const user = `{"user":"monitor","password":"secret"}`
	for _, tt := range []struct {
		name, config string
		lines        []string
		want         string
	}{
		{"a greeting", `{}`, []string{"S: 220 ready", "C: QUIT", "S: 221 bye"}, ""},
		{"a greeting with an essay", `{}`, []string{"S: 220-welcome", "S:  to the archive", "S: 221 is no end of it", "S: 220 ready", "C: QUIT", "S: 221 bye"}, ""},
		{"a login", user, []string{"S: 220 ready", "C: USER monitor", "S: 331 password", "C: PASS secret", "S: 230 welcome", "C: QUIT", "S: 221 bye"}, ""},
		{"a login without a password", user, []string{"S: 220 ready", "C: USER monitor", "S: 230 welcome", "C: QUIT", "S: 221 bye"}, ""},
		{"full", `{}`, []string{"S: 421 There are too many connected users, please try later."}, "220 expected, got 421 There are too many connected users, please try later."},
		{"not yet", `{}`, []string{"S: 120 ready in 5 minutes"}, "220 expected, got 120 ready in 5 minutes"},
		{"an unknown user", user, []string{"S: 220 ready", "C: USER monitor", "S: 530 who?"}, "USER: 230 expected, got 530 who?"},
		{"a wrong password", user, []string{"S: 220 ready", "C: USER monitor", "S: 331 password", "C: PASS secret", "S: 530 Login incorrect."}, "PASS: 230 expected, got 530 Login incorrect."},
		{"an account is wanted, too", user, []string{"S: 220 ready", "C: USER monitor", "S: 331 password", "C: PASS secret", "S: 332 account"}, "PASS: 230 expected, got 332 account"},
		{"an end in the middle", user, []string{"S: 220 ready", "C: USER monitor", "S: 331 password", "C: PASS secret"}, "waiting for the answer to PASS: the server closed the connection"},
		{"SSH", `{}`, []string{"S: SSH-2.0-OpenSSH_9.2"}, `not FTP: the answer begins with "SSH-2.0-OpenSSH_9.2"`},
	} {
		if got := ask(t, sdktest.Script(t, nil, tt.lines...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTLSFromTheFirstByteOnOrAfterAUTH(t *testing.T) {
	secure := sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{Names: []string{"ftp.example.com"}})
	for _, tt := range []struct {
		config string
		lines  []string
		want   string
	}{
		{`{"tls":true,"verify":false}`, []string{"TLS", "S: 220 ready", "C: QUIT", "S: 221 bye"}, ""},
		{`{"starttls":true,"verify":false,"user":"a"}`, []string{"S: 220 ready", "C: AUTH TLS", "S: 234 go on", "TLS", "C: USER a", "S: 230 in", "C: QUIT", "S: 221 bye"}, ""},
		{`{"starttls":true}`, []string{"S: 220 ready", "C: AUTH TLS", "S: 234 go on", "TLS"}, "certificate is not for 127.0.0.1 but for ftp.example.com"},
		{`{"starttls":true,"user":"a","password":"b"}`, []string{"S: 220 ready", "C: AUTH TLS", "S: 500 what?"}, "AUTH: 234 expected, got 500 what?"},
		{`{"starttls":true}`, []string{"S: 220 ready", "C: AUTH TLS", "S: 234 go on\r\n230 injected"}, "the server says more in clear text before it changes to TLS"},
	} {
		if got := ask(t, sdktest.Script(t, secure, tt.lines...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}

func TestAServerThatStopsInTheMiddle(t *testing.T) {
	for said, want := range map[string]string{
		"":                                 "timeout after 300ms waiting for the greeting",
		"220-ready\r\n":                    "timeout after 300ms waiting for the greeting",
		"220 ready\r\n":                    "timeout after 300ms waiting for the answer to USER",
		"220 ready\r\n331 a\r\n":           "timeout after 300ms waiting for the answer to PASS",
		"220 ready\r\n331 a\r\n230 in\r\n": "timeout after 300ms waiting for the answer to QUIT",
		"220 ready\r\n331 a\r\n230 welco":  `timeout after 300ms waiting for the answer to PASS, of which came "230 welco"`,
	} {
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(sdktest.Greet(t, said)), `{"user":"a","password":"b"}`, 300*time.Millisecond); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}
