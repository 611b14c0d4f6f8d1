package imap

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
		{"a server", `{}`, []string{"S: * OK ready", "C: a1 NOOP", "S: a1 OK done", "C: a2 LOGOUT", "S: * BYE", "S: a2 OK"}, ""},
		{"small letters", `{}`, []string{"S: * ok ready", "C: a1 NOOP", "S: a1 ok", "C: a2 LOGOUT", "S: * bye"}, ""},
		{"one that knows us already", `{}`, []string{"S: * PREAUTH hello", "C: a1 NOOP", "S: a1 OK", "C: a2 LOGOUT", "S: * BYE"}, ""},
		{"news in between", `{}`, []string{"S: * OK ready", "C: a1 NOOP", "S: * 22 EXPUNGE", "S: * a1 OK", "S: a10 NO", "S: a1 OK", "C: a2 LOGOUT", "S: * BYE"}, ""},
		{"a login", user, []string{"S: * OK ready", `C: a1 LOGIN "monitor" "secret"`, "S: * CAPABILITY IMAP4rev1", "S: a1 OK in", "C: a2 NOOP", "S: a2 OK", "C: a3 LOGOUT", "S: * BYE"}, ""},
		{"a login with quotes", `{"user":"a b","password":"c\"d\\e"}`,
			[]string{"S: * OK ready", `C: a1 LOGIN "a b" "c\"d\\e"`, "S: a1 OK in", "C: a2 NOOP", "S: a2 OK", "C: a3 LOGOUT", "S: * BYE"}, ""},
		{"full", `{}`, []string{"S: * BYE Maximum number of connections exceeded"}, "OK expected, got BYE Maximum number of connections exceeded"},
		{"a wrong password", user, []string{"S: * OK ready", "C: a1 LOGIN", "S: a1 NO [AUTHENTICATIONFAILED] Authentication failed."},
			"LOGIN: OK expected, got NO [AUTHENTICATIONFAILED] Authentication failed."},
		{"a command that it does not know", `{}`, []string{"S: * OK ready", "C: a1 NOOP", "S: a1 BAD what?"}, "NOOP: OK expected, got BAD what?"},
		{"no mailbox", user, []string{"S: * OK ready", "C: a1 LOGIN", "S: a1 OK in", "S: * BYE Internal error occurred.", "C: a2 NOOP"}, "NOOP: OK expected, got BYE Internal error occurred."},
		{"an end in the middle", user, []string{"S: * OK ready", "C: a1 LOGIN", "S: * CAPABILITY"}, "waiting for the answer to LOGIN: the server closed the connection"},
		{"POP3", `{}`, []string{"S: +OK ready"}, `not IMAP: the answer begins with "+OK ready"`},
		{"nearly IMAP", `{}`, []string{"S: * 5 EXISTS"}, `not IMAP: the answer begins with "* 5 EXISTS"`},
	} {
		if got := reason(t, sdktest.Script(t, nil, tt.lines...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTLSFromTheFirstByteOnOrAfterSTARTTLS(t *testing.T) {
	secure := sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{Names: []string{"mail.example.com"}})
	for _, tt := range []struct {
		config string
		lines  []string
		want   string
	}{
		{`{"tls":true,"verify":false}`, []string{"TLS", "S: * OK ready", "C: a1 NOOP", "S: a1 OK", "C: a2 LOGOUT", "S: * BYE"}, ""},
		{`{"starttls":true,"verify":false,"user":"a"}`, []string{"S: * OK ready", "C: a1 STARTTLS", "S: a1 OK go on", "TLS", "C: a2 LOGIN", "S: a2 OK", "C: a3 NOOP", "S: a3 OK", "C: a4 LOGOUT", "S: * BYE"}, ""},
		{`{"starttls":true}`, []string{"S: * OK ready", "C: a1 STARTTLS", "S: a1 OK go on", "TLS"}, "certificate is not for 127.0.0.1 but for mail.example.com"},
		{`{"starttls":true,"user":"a","password":"b"}`, []string{"S: * OK ready", "C: a1 STARTTLS", "S: a1 BAD what?"}, "STARTTLS: OK expected, got BAD what?"},
		{`{"starttls":true}`, []string{"S: * OK ready", "C: a1 STARTTLS", "S: a1 OK go on\r\na2 OK injected"}, "the server says more in clear text before it changes to TLS"},
	} {
		if got := reason(t, sdktest.Script(t, secure, tt.lines...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}

func TestAServerThatStopsInTheMiddle(t *testing.T) {
	for said, want := range map[string]string{
		"":                                   "timeout after 300ms waiting for the greeting",
		"* OK rea":                           `timeout after 300ms waiting for the greeting, of which came "* OK rea"`,
		"* OK\r\n":                           "timeout after 300ms waiting for the answer to LOGIN",
		"* OK\r\n* CAPABILITY\r\n":           "timeout after 300ms waiting for the answer to LOGIN",
		"* OK\r\na1 OK\r\n":                  "timeout after 300ms waiting for the answer to NOOP",
		"* OK\r\na1 OK\r\na2 OK welcome\r\n": "timeout after 300ms waiting for the answer to a3 LOGOUT",
	} {
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(sdktest.Greet(t, said)), `{"user":"a","password":"b"}`, 300*time.Millisecond); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}
