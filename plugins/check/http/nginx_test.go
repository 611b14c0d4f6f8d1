package http

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// nginx starts a real one on loopback and returns its addresses: HTTP, HTTP/1.1 over TLS, HTTP/2 over TLS.
func nginx(t *testing.T, a *sdktest.Authority) (plain, old, secure net.Addr) {
	t.Helper()
	dir := t.TempDir()
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"shop.example.com"}})
	sdktest.WriteFile(t, dir, "index.html", "<h1>Welcome to the shop</h1>\n")
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // the files are the test's own
	}
	addresses := sdktest.Unused(t, 3)
	conf := fmt.Sprintf(`
		daemon off; master_process off; %s
		pid %[2]s/pid; error_log %[2]s/error.log;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
			uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
			ssl_certificate %[6]s; ssl_certificate_key %[7]s;
			server {
				listen %[3]s; listen %[4]s ssl; listen %[5]s ssl http2;
				root %[2]s;
				location = /maintenance { return 503 "later\n"; }
				location = /moved { return 301 http://elsewhere.example.com/; }
				location = /who { return 200 "$server_protocol $host $http_x_check\n"; }
			}
		}`, user, dir, addresses[0], addresses[1], addresses[2], cert, key)
	file := sdktest.WriteFile(t, dir, "nginx.conf", conf)
	log := filepath.Join(dir, "error.log")
	sdktest.Process{
		Package: "nginx-light", Command: []string{"/usr/sbin/nginx", "-p", dir, "-c", file, "-e", log}, Log: log, Listens: addresses,
	}.Start(t)
	return addresses[0], addresses[1], addresses[2]
}

func TestNginx(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	plain, old, secure := nginx(t, a)
	trusted := fmt.Sprintf(`"tls":true,"host":"shop.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct {
		server       net.Addr
		config, want string
	}{
		{plain, `{}`, ""},
		{plain, `{"body_match":"Welcome to the shop"}`, ""},
		{plain, `{"path":"/maintenance"}`, "HTTP 503 Service Unavailable, want 200-299"},
		{plain, `{"url":[{"body_match":"Welcome"},{"path":"/moved","status":["301"]},{"path":"/who","host":"b.example.com","body_match":"HTTP/1.1 b.example.com"}]}`, ""},
		{plain, `{"url":[{},{"path":"/maintenance"},{"path":"/nothing"}]}`, "url /maintenance: HTTP 503 Service Unavailable, want 200-299"},
		{secure, `{` + trusted + `,"url":[{},{"path":"/who","body_match":"HTTP/2.0 shop"}]}`, ""},
		{plain, `{"path":"/nothing"}`, "HTTP 404 Not Found, want 200-299"},
		{plain, `{"path":"/moved"}`, "HTTP 301 Moved Permanently, want 200-299"},
		{plain, `{"path":"/moved","status":["301"]}`, ""},
		{plain, `{"path":"/who","host":"a.example.com","headers":{"X-Check":"yes"},"body_match":"^HTTP/1.1 a.example.com yes\n$"}`, ""},
		{plain, `{"method":"HEAD"}`, ""},
		{plain, `{"tls":true}`, `not TLS: the answer begins with "HTTP/"`},
		{secure, `{}`, "HTTP 400 Bad Request, want 200-299"}, // "The plain HTTP request was sent to HTTPS port"
		{secure, `{` + trusted + `,"path":"/who","body_match":"^HTTP/2.0 shop.example.com"}`, ""},
		{secure, `{` + trusted + `,"path":"/who","http_version":"2","body_match":"^HTTP/2.0 shop.example.com"}`, ""},
		{secure, `{` + trusted + `,"path":"/who","http_version":"1.1","body_match":"^HTTP/1.1 shop.example.com"}`, ""},
		{secure, `{` + trusted + `,"path":"/maintenance"}`, "HTTP 503 Service Unavailable, want 200-299"},
		{secure, `{` + trusted + `,"sni":"mail.example.com"}`, "certificate is not for mail.example.com but for shop.example.com"},
		{secure, `{"tls":true,"host":"shop.example.com"}`, `certificate of shop.example.com is signed by an unknown authority: "The Authority"`},
		{secure, `{"tls":true,"verify":false}`, ""},
	} {
		if got := ask(t, tt.server, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
	if got, want := ask(t, old, `{`+trusted+`,"path":"/who","http_version":"2"}`), "shaking hands by TLS: the server refuses: no application protocol"; got != want {
		t.Errorf("a server of HTTP/1.1, asked by HTTP/2: got %q, want %q", got, want)
	}
}
