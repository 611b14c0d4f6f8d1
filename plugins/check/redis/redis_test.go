package redis

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatAServerSays(t *testing.T) {
	const none, login, master, replica = `{}`, `{"password":"x"}`, `{"role":"master"}`, `{"role":"replica"}`
	slave := func(link string) string {
		return "+PONG\r\n*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n" + link + "\r\n:3129659\r\n"
	}
	for _, tt := range []struct{ says, config, want string }{
		{"+PONG\r\n", none, ""},
		{"+OK\r\n+PONG\r\n", login, ""},
		{"+PONG\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", master, ""},
		{slave("$9\r\nconnected"), replica, ""},
		{slave("$9\r\nconnected"), master, "it is a replica, want a master"},
		{slave("$7\r\nconnect"), replica, `it is a replica whose link to its master is "connect", want "connected"`},
		{"+PONG\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", replica, "it is a master, want a replica"},
		{"+PONG\r\n*2\r\n$8\r\nsentinel\r\n*0\r\n", master, "it is a sentinel, want a master"},
		{"+PONG\r\n*1\r\n$5\r\nslave\r\n", replica, "ROLE: it does not say how the link to the master is"},
		{"+PONG\r\n*-1\r\n", master, `ROLE: a list expected, got "-1"`},
		{"+PONG\r\n+master\r\n", master, `ROLE: a list expected, got "master"`},
		{"-NOAUTH Authentication required.\r\n", none, "the server refuses: NOAUTH Authentication required."},
		{"-LOADING Redis is loading the dataset in memory\r\n", none, "the server refuses: LOADING Redis is loading the dataset in memory"},
		{"-WRONGPASS invalid username-password pair or user is disabled.\r\n-NOAUTH x\r\n", login, "the server refuses: WRONGPASS invalid username-password pair or user is disabled."},
		{"+QUEUED\r\n", none, `PING: PONG expected, got "QUEUED"`},
		{"$4\r\nPONG\r\n", none, `PING: PONG expected, got "PONG"`}, // a string where a simple answer belongs
		{"$5\r\nPONG\r\n", none, "not Redis: a string of 5 bytes has 4"},
		{"$-2\r\n", none, `not Redis: the answer begins with "$-2"`},
		{"*99999999999999999999\r\n", none, `not Redis: the answer begins with "*99999999999999999999"`},
		{"HTTP/1.1 400 Bad Request\r\n", none, `not Redis: the answer begins with "HTTP/1.1 400 Bad Request"`},
		{"\r\n", none, "not Redis: the answer begins with an empty line"},
		{"+PON", none, `timeout after 200ms waiting for the answer to PING, of which came "+PON"`},
		{"", login, "timeout after 200ms waiting for the answer to AUTH"},
		{"+PONG\r\n", master, "timeout after 200ms waiting for the answer to ROLE"},
	} {
		got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(sdktest.Greet(t, tt.says)), tt.config, 200*time.Millisecond)
		if got != tt.want {
			t.Errorf("%q, %s:\ngot  %q\nwant %q", tt.says, tt.config, got, tt.want)
		}
	}
}

func TestAPasswordMayHaveAnythingInIt(t *testing.T) {
	server := sdktest.Accept(t, func(c *net.TCPConn) {
		b := make([]byte, 1024)
		n, _ := c.Read(b)
		if got, want := string(b[:n]), "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$6\r\na\r\n\x00 \"\r\n*1\r\n$4\r\nPING\r\n"; got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
		c.Write([]byte("+OK\r\n+PONG\r\n"))
	})
	if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(server), `{"user":"u","password":"a\r\n\u0000 \""}`, time.Second); got != "" {
		t.Errorf("got %q", got)
	}
}
