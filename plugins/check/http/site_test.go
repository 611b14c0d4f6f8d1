package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// site is a server with a page for each thing to look at.
func site() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "welcome to the shop\n") })
	m.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	m.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/", http.StatusFound)
	})
	m.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s\nHost: %s\nClose: %v\n", r.Method, r.RequestURI, r.Proto, r.Host, r.Close)
		r.Header.Write(w)
	})
	m.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		block := bytes.Repeat([]byte("x"), 1<<16)
		for range 64 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	m.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
		}
	})
	m.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "so far")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	m.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "after hints")
	})
	m.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "only half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	return m
}

// sites starts the site in every way that it can be spoken to, and returns what is to be configured for each.
func sites(t *testing.T) map[string]site1 {
	all := make(map[string]site1)
	start := func(name, config string, tls bool, protocols ...func(*http.Protocols)) {
		s := httptest.NewUnstartedServer(site())
		s.Config.ErrorLog = discard()
		s.Config.Protocols = new(http.Protocols)
		for _, p := range protocols {
			p(s.Config.Protocols)
		}
		if tls {
			s.EnableHTTP2 = true
			s.TLS = sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{Names: []string{"shop.example.com"}})
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		all[name] = site1{s.Listener.Addr(), config}
	}
	http1 := func(p *http.Protocols) { p.SetHTTP1(true) }
	http2 := func(p *http.Protocols) { p.SetHTTP2(true) }
	clear2 := func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	start("HTTP/1.1", `{"http_version":"1.1"}`, false, http1)
	start("HTTP/2 in clear text", `{"http_version":"2"}`, false, clear2)
	start("HTTP/1.1 over TLS", `{"tls":true,"verify":false,"http_version":"1.1"}`, true, http1, http2)
	start("HTTP/2 over TLS", `{"tls":true,"verify":false}`, true, http1, http2)
	return all
}

// A site1 is one way to reach the site.
type site1 struct {
	address net.Addr
	config  string
}

// with returns the site's configuration with further attributes.
func (s site1) with(t *testing.T, more map[string]any) string {
	t.Helper()
	var attributes map[string]any
	if err := json.Unmarshal([]byte(s.config), &attributes); err != nil {
		t.Fatal(err)
	}
	for k, v := range more {
		attributes[k] = v
	}
	return jsonOf(t, attributes)
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }
