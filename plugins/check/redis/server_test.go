package redis

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// server starts a real one on loopback.
func server(t *testing.T, at net.Addr, more ...string) {
	t.Helper()
	dir := t.TempDir()
	conf := append(more, "bind 127.0.0.1", `save ""`, "dir "+dir)
	sdktest.Process{
		Package: "redis-server", Listens: []net.Addr{at},
		Command: []string{"/usr/bin/redis-server", sdktest.WriteFile(t, dir, "redis.conf", strings.Join(conf, "\n")+"\n")},
	}.Start(t)
}

// port is that of an address.
func port(a net.Addr) string { return strconv.Itoa(a.(*net.TCPAddr).Port) }

func TestNSRedis(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"cache.example.com"}})
	at := sdktest.Unused(t, 4)
	master, replica, orphan, secure := at[0], at[1], at[2], at[3]
	server(t, master, "port "+port(master), "requirepass secret", "user evenkeel on >keel +ping +role", "user poor on >keel +ping")
	server(t, replica, "port "+port(replica), "replicaof 127.0.0.1 "+port(master), "masterauth secret", "repl-diskless-sync-delay 0")
	server(t, orphan, "port "+port(orphan), "replicaof 127.0.0.1 1")
	server(t, secure, "port 0", "tls-port "+port(secure), "tls-cert-file "+cert, "tls-key-file "+key, "tls-auth-clients no", "tls-ca-cert-file "+a.File)
	ask := func(server net.Addr, config string) string {
		return sdktest.Ask(t, Plugin(), sdktest.TargetAt(server), config, 2*time.Second)
	}
	for range 200 { // the replica has to find its master
		if ask(replica, `{"role":"replica"}`) == "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	trusted := fmt.Sprintf(`"tls":true,"ca_file":%q`, a.File)
	for _, tt := range []struct {
		server       net.Addr
		config, want string
	}{
		{master, `{"password":"secret"}`, ""},
		{master, `{"password":"secret","role":"master"}`, ""},
		{master, `{"user":"evenkeel","password":"keel","role":"master"}`, ""},
		{master, `{"user":"poor","password":"keel"}`, ""},
		{master, `{}`, "the server refuses: NOAUTH Authentication required."},
		{master, `{"password":"wrong"}`, "the server refuses: WRONGPASS invalid username-password pair or user is disabled."},
		{master, `{"user":"poor","password":"keel","role":"master"}`, "the server refuses: NOPERM this user has no permissions to run the 'role' command"},
		{master, `{"password":"secret","role":"replica"}`, "it is a master, want a replica"},
		{replica, `{}`, ""},
		{replica, `{"role":"replica"}`, ""},
		{replica, `{"role":"master"}`, "it is a replica, want a master"},
		{orphan, `{"role":"replica"}`, `it is a replica whose link to its master is "connect", want "connected"`},
		{secure, `{` + trusted + `,"sni":"cache.example.com","role":"master"}`, ""},
		{secure, `{"tls":true,"verify":false}`, ""},
		{secure, `{` + trusted + `}`, "certificate is not for 127.0.0.1 but for cache.example.com"},
		{replica, `{"tls":true,"verify":false}`, "timeout after 2s shaking hands by TLS"},
	} {
		if got := ask(tt.server, tt.config); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
	if got := ask(secure, `{}`); got == "" {
		t.Error("in clear text, a server that speaks TLS is up")
	}
}
