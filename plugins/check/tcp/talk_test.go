package tcp

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/dovecot"
)

func TestWhatIsExpectedMustCome(t *testing.T) {
	halves := func(c *net.TCPConn) {
		for _, half := range []string{"+PO", "NG"} {
			io.WriteString(c, half)
			time.Sleep(20 * time.Millisecond)
		}
		io.Copy(io.Discard, c)
	}
	long := strings.Repeat("x", maxAnswer-2)
	for _, tt := range []struct {
		name, config string
		server       net.Addr
		want         string
	}{
		{"a greeting", `{"expect":"SSH-2.0"}`, sdktest.Greet(t, "SSH-2.0-OpenSSH_9.2\r\n"), ""},
		{"another greeting", `{"expect":"SSH-2.0"}`, sdktest.Script(t, nil, "S: 220 hello"), `waiting for the greeting: the server closed the connection, and no "SSH-2.0" in "220 hello\r\n"`},
		{"a greeting that goes on", `{"expect":"SSH-2.0"}`, sdktest.Greet(t, "220 hello\r\n"), `timeout after 200ms waiting for the greeting, and no "SSH-2.0" in "220 hello\r\n"`},
		{"an answer", `{"send":"PING\r\n","expect":"+PONG"}`, sdktest.Script(t, nil, "C: PING", "S: +PONG"), ""},
		{"an answer in two parts", `{"expect":"+PONG"}`, sdktest.Accept(t, halves), ""},
		{"an answer that matches", `{"send":"PING\r\n","expect_match":"^.PO+NG\\r"}`, sdktest.Script(t, nil, "C: PING", "S: +PONG"), ""},
		{"one that does not", `{"send":"PING\r\n","expect_match":"^PONG"}`, sdktest.Script(t, nil, "C: PING", "S: +PONG"), `waiting for the answer: the server closed the connection, and nothing that matches "^PONG" in "+PONG\r\n"`},
		{"silence", `{"send":"PING\r\n","expect":"+PONG"}`, sdktest.Silent(t), "timeout after 200ms waiting for the answer"},
		{"an end", `{"expect":"+PONG"}`, sdktest.Script(t, nil), "waiting for the greeting: the server closed the connection"},
		{"a reset", `{"expect":"+PONG"}`, sdktest.Script(t, nil, "RST"), "waiting for the greeting: connection reset by peer"},
		{"as much as is read", `{"expect":"ok"}`, sdktest.Greet(t, long+"ok"), ""},
		{"more than is read", `{"expect":"ok"}`, sdktest.Greet(t, "x"+long+"ok"), `the server sends more than 8192 bytes, and no "ok" in "` + long[:100] + `..."`},
		{"no server", `{"expect":"ok"}`, sdktest.Unused(t, 1)[0], "connection refused"},
	} {
		got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(tt.server), tt.config, 200*time.Millisecond)
		switch {
		case tt.name == "no server" && strings.HasSuffix(got, tt.want):
		case got != tt.want:
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDovecot(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	plain, secure := dovecot.Start(t, "imap", a)
	trusted := fmt.Sprintf(`"tls":true,"sni":"mail.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct {
		server       net.Addr
		config, want string
	}{
		{plain, `{}`, ""},
		{plain, `{"expect":"* OK"}`, ""},
		{plain, `{"send":"a NOOP\r\n","expect":"a OK"}`, ""},
		{secure, `{` + trusted + `}`, ""},
		{secure, `{` + trusted + `,"send":"a LOGOUT\r\n","expect_match":"(?m)^a OK"}`, ""},
		{secure, `{"tls":true,"sni":"mail.example.com"}`, `certificate of mail.example.com is signed by an unknown authority: "The Authority"`},
		{plain, `{"tls":true,"verify":false}`, `not TLS: the answer begins with "* OK "`},
	} {
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(tt.server), tt.config, 5*time.Second); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}
