package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnUpdateIsFetchedFromAServerOrAFile(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/whole":
			io.WriteString(w, "a slot")
		case "/cut-off":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half a")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "slot")
	if err := os.WriteFile(file, []byte("a slot"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, want, problem string }{
		{server.URL + "/whole", "a slot", ""},
		{file, "a slot", ""},
		{server.URL + "/cut-off", "half a", "unexpected EOF"},
		{server.URL + "/elsewhere", "", strings.TrimPrefix(server.URL, "http://") + " says 404 Not Found"},
		{"http://192.0.2.1:x/", "", "fetching the update: parse"},
		{file + "-2", "", "opening the update: "},
	} {
		got, err := fetched(t, c.from)
		if string(got) != c.want || (err != nil) != (c.problem != "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("from %s: %q, %v; want %q, %q", c.from, got, err, c.want, c.problem)
		}
	}
}

func fetched(t *testing.T, from string) ([]byte, error) {
	in, err := fetch(t.Context(), from)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

func TestAServerThatSendsNothingMoreIsGivenUp(t *testing.T) {
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half a")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
	}))
	t.Cleanup(server.Close)
	in, err := fetch(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	half := make([]byte, 6)
	if _, err := io.ReadFull(in, half); err != nil {
		t.Fatal(err)
	}
	in.(*impatient).idle.Reset(0) // a minute has passed
	if _, err := in.Read(half); !errors.Is(err, errSilent) {
		t.Errorf("reading on: %v, want that the server is silent", err)
	}
	<-ended
}
