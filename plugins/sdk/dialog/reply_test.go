package dialog

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

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
