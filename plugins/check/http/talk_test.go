package http

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
	"github.com/evenkeel/evenkeel/plugins/sdk/switchboard"
)

// talkOf returns the talk of a configuration.
func talkOf(t testing.TB, config string) talk {
	t.Helper()
	p, ds := compile(decoded(t, config))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	return talk{p}
}

var somewhere = sdk.Target{Address: netip.IPv6Loopback(), Port: 80, Schedule: sdk.Schedule{Timeout: time.Second}}

func TestWhichProbesNeedNoGoroutine(t *testing.T) {
	p := open(t)
	at := func(s string) sdk.Target { return sdk.Target{Address: netip.MustParseAddr(s), Port: 80} }
	for _, tt := range []struct {
		name, config string
		target       sdk.Target
		want         bool
	}{
		{"the defaults", `{}`, at("192.0.2.1"), true},
		{"all of one request", `{"method":"HEAD","path":"/a","host":"b","headers":{"X":"y"},"status":["204"]}`, at("2001:db8::1"), true},
		{"rules about the body", `{"body_match":"a","body_not_match":"b","body_md5":"` + strings.Repeat("0", 32) + `"}`, at("192.0.2.1"), true},
		{"the version that it is anyway", `{"http_version":"1.1"}`, at("192.0.2.1"), true},
		{"HTTP/2", `{"http_version":"2"}`, at("192.0.2.1"), false},
		{"TLS", `{"tls":true}`, at("192.0.2.1"), false},
		{"several requests", `{"url":[{},{}]}`, at("192.0.2.1"), false},
		{"a link-local address", `{}`, at("fe80::1%eth0"), false},
	} {
		tt.target.Config = json.RawMessage(tt.config)
		if got := p.Takes(tt.target, decoded(t, tt.config)); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

func TestAnAnswerIsKnownAsSoonAsItIsThere(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		name, config string
		enough, more string // of the answer
		want         string
	}{
		{"a length", `{}`, ok + "Content-Length: 3\r\n\r\nabc", "", ""},
		{"chunks", `{"body_match":"abc"}`, ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "", ""},
		{"chunks with a trailer", `{}`, ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", "", ""},
		{"no body by its status", `{}`, "HTTP/1.1 204 No Content\r\n\r\n", "", ""},
		{"no body by the method", `{"method":"HEAD"}`, ok + "Content-Length: 3\r\n\r\n", "", ""},
		{"an answer after others", `{}`, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n", "", ""},
		{"a bad status", `{}`, "HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\n", "abc", "HTTP 503 Service Unavailable, want 200-299"},
		{"as much of a body as is looked at", `{"max_body":2}`, ok + "Content-Length: 3\r\n\r\nab", "c", ""},
		{"a body that is left alone", `{"max_body":0}`, ok + "Content-Length: 3\r\n\r\n", "abc", ""},
		{"another protocol", `{}`, "SSH-2", ".0-OpenSSH", `not HTTP: the answer begins with "SSH-2"`},
		{"a line that is none", `{}`, "HTTP/1.1 abc\r\n", "\r\n", `not HTTP: malformed HTTP status code "abc"`},
		{"what follows the answer", `{}`, ok + "Content-Length: 3\r\n\r\nabc", "HTTP/1.1 500 No\r\n", ""},
	} {
		k := talkOf(t, tt.config)
		for i := range len(tt.enough) {
			if more, err := k.Hear(somewhere, []byte(tt.enough[:i]), nil); !more {
				t.Errorf("%s: %q is enough: %v", tt.name, tt.enough[:i], err)
			}
		}
		for _, answer := range []string{tt.enough, tt.enough + tt.more} {
			more, err := k.Hear(somewhere, []byte(answer), nil)
			if got := said(err); more || got != tt.want && !strings.HasPrefix(got, "not HTTP: the answer begins with") {
				t.Errorf("%s: %q, more %t, want %q", tt.name, got, more, tt.want)
			}
		}
	}
}

// said is an error's text.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestHowAnAnswerEndsIsSaidInWords(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		answer string
		end    error
		want   string
	}{
		{"", io.EOF, "the server closed the connection without an answer"},
		{"", syscall.ECONNRESET, "waiting for the response: connection reset by peer"},
		{"", os.ErrDeadlineExceeded, "timeout after 1s waiting for the response"},
		{"> ", os.ErrDeadlineExceeded, `not HTTP: the answer begins with "> "`},
		{ok, os.ErrDeadlineExceeded, "timeout after 1s waiting for the response"},
		{ok + "Content-Length: 3\r\n\r\nab", os.ErrDeadlineExceeded, "timeout after 1s reading the body"},
		{ok + "Content-Length: 3\r\n\r\nab", syscall.ECONNRESET, "reading the body: connection reset by peer"},
		{ok + "Content-Length: 3\r\n\r\nab", io.EOF, "reading the body: the server closed the connection"},
		{ok + "\r\nab", os.ErrDeadlineExceeded, "timeout after 1s reading the body"},
		{ok + "\r\nab", io.EOF, ""},
	} {
		if more, err := talkOf(t, `{}`).Hear(somewhere, []byte(tt.answer), tt.end); more || said(err) != tt.want {
			t.Errorf("%q, %v: %v, more %t, want %q", tt.answer, tt.end, err, more, tt.want)
		}
	}
}

func TestHostileServersAmongMany(t *testing.T) { sdktest.SurvivesBySchedule(t, Plugin(), `{}`) }

func TestAnswersThatAreLongOrComeInManyPiecesAreTheSameInBothWays(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	pieces := func(head string, piece string, n int) net.Addr {
		return sdktest.Accept(t, func(c *net.TCPConn) {
			c.Read(make([]byte, 1<<16))
			io.WriteString(c, head)
			for range n {
				time.Sleep(2 * time.Millisecond)
				io.WriteString(c, piece)
			}
		})
	}
	long := strings.Repeat("x", 2*switchboard.Glance)
	for _, tt := range []struct {
		name   string
		server net.Addr
		config string
		want   string
	}{
		{"a long body with a length", sdktest.Answer(t, ok+fmt.Sprintf("Content-Length: %d\r\n\r\n%s.", len(long)+1, long)), `{"body_match":"x\\.$"}`, ""},
		{"one that is cut off", sdktest.Answer(t, ok+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(long)+1, long)), `{}`, "reading the body: the server closed the connection"},
		{"long headers", sdktest.Answer(t, ok+"A: "+long+"\r\n\r\nabc"), `{"body_match":"^abc$"}`, ""},
		{"many short chunks", pieces(ok+"Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 2*switchboard.Pieces), `{"max_body":20}`, ""},
		{"a body in many pieces", pieces(ok+"\r\n", "a", 2*switchboard.Pieces), `{"body_match":"^a+$"}`, ""},
		{"headers in many pieces", pieces(ok, "A: b\r\n", 2*switchboard.Pieces), `{}`, "waiting for the response: the server closed the connection"},
	} {
		if got := ask(t, tt.server, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if got, want := askWithin(t, sdktest.Endless(t, ok+"\r\n", "abc"), `{"max_body":60000000,"body_match":"z"}`, 100*time.Millisecond), "timeout after 100ms reading the body"; got != want {
		t.Errorf("a body without end: got %q, want %q", got, want)
	}
}

// Each probe of ten thousand pays for what an answer allocates.
func TestAnAnswerAllocatesLittle(t *testing.T) {
	k := talkOf(t, `{"body_match":"ok"}`)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
	n := testing.AllocsPerRun(100, func() {
		if more, err := k.Hear(somewhere, answer, nil); more || err != nil {
			t.Fatal(more, err)
		}
	})
	if n > 30 {
		t.Errorf("%g allocations", n)
	}
}

// However an answer is cut into pieces, what is heard of it is what net/http reads of the whole.
func FuzzPieces(f *testing.F) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, s := range []string{
		ok + "Content-Length: 3\r\n\r\nabc",
		ok + "Content-Length: 3\r\n\r\nab",
		ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 No\r\n\r\nabc",
		"HTTP/1.1 204 No\r\n\r\nabc", "HTTP/1.1 101 Yes\r\n\r\n", "HTTP/1.0 200\n\nabc", ok + " a: b\r\n\r\n", ok + "A: b\r\n c\r\n\r\nabc",
		"SSH-2.0-x\r\n", "\x15\x03\x01", "\x00\x00\x12\x04\x00", "", "H",
	} {
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(7))
	}
	k := talkOf(f, `{"body_match":"abc","max_body":1000}`)
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		if len(b) > 8<<10 {
			return
		}
		var got error
		heard := 0
		for more := true; more; heard += max(int(step), 1) {
			if heard >= len(b) {
				_, got = k.Hear(somewhere, b, io.EOF)
				break
			}
			more, got = k.Hear(somewhere, b[:heard], nil)
		}
		if up := read(b); up != (got == nil) {
			t.Errorf("net/http: up is %t; in pieces of %d: %v", up, step, got)
		}
		whole := k.hear(t.Context(), somewhere, iotest.OneByteReader(bytes.NewReader(b)))
		const begins = "not HTTP: the answer begins with" // as much as there was
		if said(whole) != said(got) && (!strings.HasPrefix(said(whole), begins) || !strings.HasPrefix(said(got), begins)) {
			t.Errorf("in pieces of %d: %v, in one: %v", step, got, whole)
		}
	})
}

// read says whether what net/http reads is good: the status, and as much of the body as is looked at.
func read(b []byte) bool {
	in := bufio.NewReader(bytes.NewReader(b))
	for {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return false
		}
		if answer.StatusCode < 200 && answer.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return err == nil && answer.StatusCode >= 200 && answer.StatusCode < 300 && bytes.Contains(body, []byte("abc"))
	}
}
