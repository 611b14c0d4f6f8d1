package postgres

import (
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// talks starts a server that says one thing after each message of the client's.
func talks(t *testing.T, says ...string) net.Addr {
	t.Helper()
	return sdktest.Accept(t, func(c *net.TCPConn) {
		for _, s := range says {
			if _, err := c.Read(make([]byte, 4096)); err != nil {
				return
			}
			io.WriteString(c, s)
		}
		io.Copy(io.Discard, c)
	})
}

// refuses is an error message of the server's.
func refuses(code, words string) string {
	body := "SFATAL\x00C" + code + "\x00M" + words + "\x00\x00"
	return "E\x00\x00\x00" + string(rune(len(body)+4)) + body
}

func TestWhatGoesWrongIsSaidInWords(t *testing.T) {
	const user, asks = `{"user":"a"}`, "waiting for the answer to the query"
	for _, tt := range []struct {
		name         string
		server       net.Addr
		config, want string
	}{
		{"all is well", talks(t, trusts+ready, column+row+selected+ready), user, ""},
		{"another row", talks(t, trusts+ready, column+row+selected+ready), `{"user":"a","row_match":"^2$"}`, `the query returns "1", which does not match "^2$"`},
		{"no row", talks(t, trusts+ready, column+selected+ready), user, "the query returns no row"},
		{"no SELECT", talks(t, trusts+ready, "C\x00\x00\x00\x08SET\x00"+ready), user, "the query returns no rows: it is no SELECT"},
		{"an empty query", talks(t, trusts+ready, "I\x00\x00\x00\x04"+ready), user, "the query returns no rows: it is no SELECT"},
		{"starting", talks(t, refuses("57P03", "the database system is starting up")), user, "the server refuses: the database system is starting up (57P03)"},
		{"shutting down", talks(t, trusts+ready, refuses("57P01", "terminating connection")), user, "the server refuses: terminating connection (57P01)"},
		{"ready before the login", talks(t, ready), user, `not PostgreSQL: the answer begins with "Z\x00\x00\x00\x05I"`},
		{"hangs up", sdktest.Answer(t, ""), user, "logging in: the server closed the connection"},
		{"hangs up in the query", sdktest.Accept(t, func(c *net.TCPConn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, trusts+ready)
			c.Read(make([]byte, 4096))
		}), user, asks + ": the server closed the connection"},
		{"silent in the query", talks(t, trusts+ready, ""), user, "timeout after 500ms " + asks},
		{"a long message", talks(t, trusts+ready, "T\x00\x7f\xff\xff"), user, "the server sends more than 65536 bytes"},
		{"no TLS", talks(t, "N"), `{"user":"a","tls":true}`, "the server does not speak TLS"},
		{"an SSH server", sdktest.Greet(t, "SSH-2.0-OpenSSH_9.2p1\r\n"), user, `not PostgreSQL: the answer begins with "SSH-2.0-OpenSSH_9.2p1\r\n"`},
	} {
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(tt.server), tt.config, 500*time.Millisecond); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}
