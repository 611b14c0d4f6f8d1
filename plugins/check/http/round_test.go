package http

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// counted starts a server that counts its connections.
func counted(t *testing.T, h http.HandlerFunc) (net.Addr, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
	s.Config.ErrorLog = discard()
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr(), &n
}

func TestEveryURLMustPassAndTheReasonNamesTheOneThatDoesNot(t *testing.T) {
	for name, s := range sites(t) {
		for _, tt := range []struct {
			urls []map[string]any
			want string
		}{
			{[]map[string]any{{}, {"path": "/status/404", "status": []string{"404"}}, {"path": "/long"}, {"body_match": "shop"}}, ""},
			{[]map[string]any{{}, {"path": "/status/503"}, {"path": "/nothing"}}, "url /status/503: HTTP 503 Service Unavailable, want 200-299"},
			{[]map[string]any{{"body_match": "closed"}, {}}, `url /: body does not match "closed"`},
		} {
			if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(s.address), s.with(t, map[string]any{"url": tt.urls}), 5*time.Second); got != tt.want {
				t.Errorf("%s: %v: got %q, want %q", name, tt.urls, got, tt.want)
			}
		}
	}
}

func TestURLsShareAConnectionAsLongAsTheServerKeepsIt(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		answer       http.HandlerFunc
		connections  int64
	}{
		{"kept", `{"url":[{},{},{}]}`, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }, 1},
		{"in chunks", `{"url":[{},{},{}]}`, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "ok")
			w.(http.Flusher).Flush()
		}, 1},
		{"closed", `{"url":[{},{},{}]}`, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }, 3},
		{"with bodies that are too long", `{"max_body":10,"url":[{},{},{}]}`, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "%20d", 1)
		}, 3},
		{"without bodies", `{"method":"HEAD","url":[{},{},{}]}`, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }, 1},
		{"with one request", `{}`, func(w http.ResponseWriter, r *http.Request) {
			if !r.Close {
				w.WriteHeader(http.StatusBadRequest)
			}
		}, 1},
	} {
		at, n := counted(t, tt.answer)
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(at), tt.config, 5*time.Second); got != "" || n.Load() != tt.connections {
			t.Errorf("%s: %q with %d connections, want %d", tt.name, got, n.Load(), tt.connections)
		}
	}
}

func TestAServerThatClosesAKeptConnectionWithoutAWordIsAskedOnceMore(t *testing.T) {
	var n atomic.Int64
	at := sdktest.Accept(t, func(c *net.TCPConn) {
		n.Add(1)
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(at), `{"url":[{},{}]}`, 5*time.Second); got != "" || n.Load() != 2 {
		t.Errorf("%q with %d connections", got, n.Load())
	}
}
