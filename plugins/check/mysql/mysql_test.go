package mysql

import (
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask returns the reason of a probe; "": up.
func ask(t testing.TB, at net.Addr, config string) string {
	t.Helper()
	return sdktest.Ask(t, Plugin(), sdktest.TargetAt(at), config, 5*time.Second)
}

// talks starts a server that says one thing at once, and one after each packet of the client's.
func talks(t *testing.T, first string, then ...string) net.Addr {
	t.Helper()
	return sdktest.Accept(t, func(c *net.TCPConn) {
		io.WriteString(c, first)
		for _, s := range then {
			if !packet(c) {
				return
			}
			io.WriteString(c, s)
		}
		io.Copy(io.Discard, c)
	})
}

// packet reads a packet.
func packet(c net.Conn) bool {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		return false
	}
	_, err := io.CopyN(io.Discard, c, int64(head[0])|int64(head[1])<<8|int64(head[2])<<16)
	return err == nil
}

func TestWhatGoesWrongIsSaidInWords(t *testing.T) {
	busy := packetOf(0, "\xff\x10\x04Too many connections")
	for _, tt := range []struct {
		name   string
		server net.Addr
		config string
		want   string
	}{
		{"all is well", talks(t, greeting, accepted, answered), `{"user":"a"}`, ""},
		{"too many", talks(t, busy), `{"user":"a"}`, "the server refuses: Too many connections (1040)"},
		{"hangs up in the login", sdktest.Accept(t, func(*net.TCPConn) {}), `{"user":"a"}`, "waiting for the greeting: the server closed the connection"},
		{"hangs up after the greeting", sdktest.Accept(t, func(c *net.TCPConn) { io.WriteString(c, greeting); packet(c) }), `{"user":"a"}`, "logging in: the server closed the connection"},
		{"no TLS", talks(t, greeting), `{"user":"a","tls":true}`, "the server does not speak TLS"},
		{"an SSH server", sdktest.Greet(t, "SSH-2.0-OpenSSH_9.2p1\r\n"), `{"user":"a"}`, `not MySQL: the answer begins with "SSH-2.0-OpenSSH_9.2p1\r\n"`},
		{"an insert", talks(t, greeting, accepted, answered), `{"user":"a","query":"INSERT 1"}`, "the query returns no rows: it is no SELECT"},
	} {
		got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(tt.server), tt.config, time.Second)
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if got, want := sdktest.Ask(t, Plugin(), sdktest.TargetAt(talks(t, greeting, accepted)), `{"user":"a"}`, 200*time.Millisecond),
		"timeout after 200ms waiting for the answer to a ping"; got != want {
		t.Errorf("silent: got %q, want %q", got, want)
	}
}
