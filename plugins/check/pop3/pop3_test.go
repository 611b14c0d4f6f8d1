package pop3

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reason probes a server with a configuration in JSON, and returns why it is down; "": up.
func reason(t *testing.T, a net.Addr, config string) string {
	t.Helper()
	return sdktest.Ask(t, Plugin(), sdktest.TargetAt(a), config, 5*time.Second)
}

func TestAConversationIsJudgedByItsAnswers(t *testing.T) {
	const user = `{"user":"monitor","password":"secret"}`
	for _, tt := range []struct {
		name, config string
		lines        []string
		want         string
	}{
		{"a greeting", `{}`, []string{"S: +OK ready <1896.697170952@example.com>", "C: QUIT", "S: +OK bye"}, ""},
		{"a greeting without words", `{}`, []string{"S: +OK", "C: QUIT", "S: +OK"}, ""},
		{"a login", user, []string{"S: +OK ready", "C: USER monitor", "S: +OK", "C: PASS secret", "S: +OK 2 messages", "C: QUIT", "S: +OK bye"}, ""},
		{"full", `{}`, []string{"S: -ERR [SYS/TEMP] too many connections"}, "+OK expected, got -ERR [SYS/TEMP] too many connections"},
		{"an unknown user", user, []string{"S: +OK ready", "C: USER monitor", "S: -ERR who?"}, "USER: +OK expected, got -ERR who?"},
		{"a wrong password", user, []string{"S: +OK ready", "C: USER monitor", "S: +OK", "C: PASS secret", "S: -ERR [AUTH] no"}, "PASS: +OK expected, got -ERR [AUTH] no"},
		{"an end in the middle", user, []string{"S: +OK ready", "C: USER monitor", "S: +OK", "C: PASS secret"}, "waiting for the answer to PASS: the server closed the connection"},
		{"nonsense in the middle", user, []string{"S: +OK ready", "C: USER monitor", "S: 250 ok"}, `not POP3: the answer begins with "250 ok"`},
		{"SMTP", `{}`, []string{"S: 220 mail ESMTP"}, `not POP3: the answer begins with "220 mail ESMTP"`},
		{"nearly POP3", `{}`, []string{"S: +OKAY"}, `not POP3: the answer begins with "+OKAY"`},
	} {
		if got := reason(t, sdktest.Script(t, nil, tt.lines...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTLSFromTheFirstByteOnOrAfterSTLS(t *testing.T) {
	secure := sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{Names: []string{"mail.example.com"}})
	for _, tt := range []struct {
		config string
		lines  []string
		want   string
	}{
		{`{"tls":true,"verify":false}`, []string{"TLS", "S: +OK ready", "C: QUIT", "S: +OK bye"}, ""},
		{`{"starttls":true,"verify":false,"user":"a"}`, []string{"S: +OK ready", "C: STLS", "S: +OK go on", "TLS", "C: USER a", "S: +OK", "C: PASS", "S: +OK in", "C: QUIT", "S: +OK bye"}, ""},
		{`{"starttls":true}`, []string{"S: +OK ready", "C: STLS", "S: +OK go on", "TLS"}, "certificate is not for 127.0.0.1 but for mail.example.com"},
		{`{"starttls":true,"user":"a","password":"b"}`, []string{"S: +OK ready", "C: STLS", "S: -ERR what?"}, "STLS: +OK expected, got -ERR what?"},
		{`{"starttls":true}`, []string{"S: +OK ready", "C: STLS", "S: +OK go on\r\n+OK injected"}, "the server says more in clear text before it changes to TLS"},
	} {
		if got := reason(t, sdktest.Script(t, secure, tt.lines...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}

func TestAServerThatStopsInTheMiddle(t *testing.T) {
	for said, want := range map[string]string{
		"":                              "timeout after 300ms waiting for the greeting",
		"+OK rea":                       `timeout after 300ms waiting for the greeting, of which came "+OK rea"`,
		"+OK\r\n":                       "timeout after 300ms waiting for the answer to USER",
		"+OK\r\n+OK\r\n":                "timeout after 300ms waiting for the answer to PASS",
		"+OK\r\n+OK\r\n+OK welcome\r\n": "timeout after 300ms waiting for the answer to QUIT",
	} {
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(sdktest.Greet(t, said)), `{"user":"a","password":"b"}`, 300*time.Millisecond); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}
