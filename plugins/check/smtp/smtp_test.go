package smtp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask probes a server with a configuration in JSON, and returns the reason; "": up.
func ask(t *testing.T, a net.Addr, config string) string {
	t.Helper()
	return sdktest.Ask(t, Plugin(), sdktest.TargetAt(a), config, 5*time.Second)
}

func TestAConversationIsJudgedByItsReplies(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"a server", []string{"S: 220 mail ESMTP", "C: EHLO [127.0.0.1]", "S: 250-mail", "S: 250 SIZE", "C: QUIT", "S: 221 bye"}, ""},
		{"a greeting of several lines", []string{"S: 220-mail.example.com", "S: 220-no spam", "S: 220 please", "C: EHLO", "S: 250 hello", "C: QUIT", "S: 221 bye"}, ""},
		{"codes without words", []string{"S: 220", "C: EHLO", "S: 250", "C: QUIT", "S: 221"}, ""},
		{"one that knows only HELO", []string{"S: 220 mail", "C: EHLO", "S: 500 what?", "C: HELO [127.0.0.1]", "S: 250 hello", "C: QUIT", "S: 221 bye"}, ""},
		{"one that has it switched off", []string{"S: 220 mail", "C: EHLO", "S: 502 no", "C: HELO", "S: 250 hello", "C: QUIT", "S: 221 bye"}, ""},
		{"one that hangs up at QUIT", []string{"S: 220 mail", "C: EHLO", "S: 250 hello", "C: QUIT"}, ""},
		{"too busy", []string{"S: 421 too many connections"}, "220 expected, got 421 too many connections"},
		{"no mail for anybody", []string{"S: 554-mail.example.com", "S: 554 no service"}, "220 expected, got 554 mail.example.com no service"},
		{"too busy after the greeting", []string{"S: 220 mail", "C: EHLO", "S: 421 try again later"}, "EHLO: 250 expected, got 421 try again later"},
		{"EHLO refused", []string{"S: 220 mail", "C: EHLO", "S: 550 access denied"}, "EHLO: 250 expected, got 550 access denied"},
		{"HELO refused", []string{"S: 220 mail", "C: EHLO", "S: 502 no", "C: HELO", "S: 550 no"}, "HELO: 250 expected, got 550 no"},
		{"an end after the greeting", []string{"S: 220 mail", "C: EHLO"}, "waiting for the answer to EHLO: the server closed the connection"},
		{"a reset after the greeting", []string{"S: 220 mail", "C: EHLO", "RST"}, "waiting for the answer to EHLO: connection reset by peer"},
		{"FTP, which says 220 too", []string{"S: 220 (vsFTPd 3.0.3)", "C: EHLO", "S: 530 Please login with USER and PASS."}, "EHLO: 250 expected, got 530 Please login with USER and PASS."},
		{"POP3", []string{"S: +OK ready"}, `not SMTP: the answer begins with "+OK ready"`},
	} {
		if got := ask(t, sdktest.Script(t, nil, tt.lines...), `{}`); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTheCheckGivesTheNameThatItWasGiven(t *testing.T) {
	server := sdktest.Script(t, nil, "S: 220 mail", "C: EHLO lb.example.com", "S: 250 hello", "C: QUIT", "S: 221 bye")
	if got := ask(t, server, `{"helo":"lb.example.com"}`); got != "" {
		t.Error(got)
	}
}

func TestTLSFromTheFirstByteOnOrAfterSTARTTLS(t *testing.T) {
	secure := sdktest.NewAuthority(t, "The Authority").Serve(t, sdktest.Leaf{Names: []string{"mail.example.com"}})
	hello := []string{"C: EHLO [127.0.0.1]", "S: 250-mail", "S: 250 starttls"}
	again := []string{"C: STARTTLS", "S: 220 go ahead", "TLS", "C: EHLO [127.0.0.1]", "S: 250 mail", "C: QUIT", "S: 221 bye"}
	join := func(parts ...[]string) (lines []string) {
		for _, p := range parts {
			lines = append(lines, p...)
		}
		return lines
	}
	for _, tt := range []struct {
		name   string
		lines  []string
		config string
		want   string
	}{
		{"tls", join([]string{"TLS", "S: 220 mail"}, hello, []string{"C: QUIT", "S: 221 bye"}), `{"tls":true,"verify":false}`, ""},
		{"starttls", join([]string{"S: 220 mail"}, hello, again), `{"starttls":true,"verify":false}`, ""},
		{"a certificate that nobody knows", join([]string{"S: 220 mail"}, hello, again), `{"starttls":true}`,
			"certificate is not for 127.0.0.1 but for mail.example.com"},
		{"none offered", []string{"S: 220 mail", "C: EHLO", "S: 250-mail", "S: 250 SIZE"}, `{"starttls":true}`, "the server does not offer STARTTLS"},
		{"none from HELO", []string{"S: 220 mail", "C: EHLO", "S: 500 what?", "C: HELO", "S: 250 hello"}, `{"starttls":true}`, "the server does not offer STARTTLS"},
		{"refused", join([]string{"S: 220 mail"}, hello, []string{"C: STARTTLS", "S: 454 TLS not available"}), `{"starttls":true}`,
			"STARTTLS: 220 expected, got 454 TLS not available"},
		{"an answer injected before TLS", join([]string{"S: 220 mail"}, hello, []string{"C: STARTTLS", "S: 220 go ahead\r\n250 injected"}), `{"starttls":true}`,
			"the server says more in clear text before it changes to TLS"},
		{"no greeting after it", join([]string{"S: 220 mail"}, hello, again[:3]), `{"starttls":true,"verify":false}`,
			"waiting for the answer to EHLO: the server closed the connection"},
	} {
		if got := ask(t, sdktest.Script(t, secure, tt.lines...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAServerThatStopsInTheMiddle(t *testing.T) {
	for said, want := range map[string]string{
		"":                          "timeout after 300ms waiting for the greeting",
		"220-mail\r\n":              "timeout after 300ms waiting for the greeting",
		"220 ma":                    `timeout after 300ms waiting for the greeting, of which came "220 ma"`,
		"220 mail\r\n":              "timeout after 300ms waiting for the answer to EHLO",
		"220 mail\r\n250 hello\r\n": "timeout after 300ms waiting for the answer to QUIT",
	} {
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(sdktest.Greet(t, said)), `{}`, 300*time.Millisecond); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}

// A placed connection has an address of its own.
type placed struct {
	net.Conn
	at net.Addr
}

func (p placed) LocalAddr() net.Addr { return p.at }

func TestTheChecksAddressStandsInForItsName(t *testing.T) {
	for at, want := range map[string]string{
		"192.0.2.1:25": "[192.0.2.1]", "[2001:db8::1]:25": "[IPv6:2001:db8::1]", "[fe80::1%eth0]:25": "[IPv6:fe80::1]", "[::ffff:192.0.2.1]:25": "[192.0.2.1]",
	} {
		conn := &dialog.Conn{Conn: placed{at: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at))}}
		if got := literal(conn); got != want {
			t.Errorf("%s: got %s, want %s", at, got, want)
		}
	}
}
