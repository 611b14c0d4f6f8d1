package http

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestWhateverAServerSendsTheReasonIsClear(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct{ name, sentence, want string }{
		{"nothing", "", "the server closed the connection without an answer"},
		{"a letter", "H", "waiting for the response: the server closed the connection"},
		{"half a header", ok + "Content-Le", `not HTTP: malformed MIME header: missing colon: "Content-Le"`},
		{"SSH", "SSH-2.0-OpenSSH_9.2\r\n", `not HTTP: the answer begins with "SSH-2.0-OpenSSH_9.2"`},
		{"SMTP", "220 mail ESMTP\r\n", `not HTTP: the answer begins with "220 mail ESMTP"`},
		{"terminal sequences", "\x1b[2J\x00\xff", `not HTTP: the answer begins with "\x1b[2J\x00\xff"`},
		{"a TLS alert", "\x15\x03\x01\x00\x02\x02\x46", `not HTTP: the server speaks TLS`},
		{"HTTP/2", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", `not HTTP/1.1: the server speaks HTTP/2`},
		{"no status", "HTTP/1.1 abc\r\n\r\n", `not HTTP: malformed HTTP status code "abc"`},
		{"a status below zero", "HTTP/1.1 -20 OK\r\n\r\n", `not HTTP: malformed HTTP status code "-20"`},
		{"no version", "HTTP/x 200 OK\r\n\r\n", `not HTTP: malformed HTTP version "HTTP/x"`},
		{"a header without a colon", ok + "hello\r\n\r\n", `not HTTP: malformed MIME header: missing colon: "hello"`},
		{"two lengths", ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
			`not HTTP: message cannot contain multiple Content-Length headers; got ["1" "2"]`},
		{"a bad chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "reading the body: invalid byte in chunk length"},
		{"fewer bytes than said", ok + "Content-Length: 10\r\n\r\nabc", "reading the body: the server closed the connection"},
		{"HTTP/1.0 without a length", "HTTP/1.0 200\r\n\r\nabc", ""},
		{"an interim answer", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "\r\nabc", ""},
		{"another protocol from here", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP 101 Switching Protocols, want 200-299"},
	} {
		if got := ask(t, sdktest.Answer(t, tt.sentence), `{"body_match":"abc"}`); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAnswersWithoutEndAreBounded(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct{ name, head, more, want string }{
		{"a status line", "HTTP/1.1 200 ", "x", "the headers of the answer are longer than 65536 bytes"},
		{"headers", ok, "A: b\r\n", "the headers of the answer are longer than 65536 bytes"},
		{"interim answers", "", "HTTP/1.1 102 Processing\r\n\r\n", "the headers of the answer are longer than 65536 bytes"},
		{"a body", ok + "\r\n", "abc", `the first 100000 bytes of the body do not match "zzz"`},
		{"a body in chunks", ok + "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", `the first 100000 bytes of the body do not match "zzz"`},
		{"a length without end", ok + "Content-Length: 9223372036854775807\r\n\r\n", "abc", `the first 100000 bytes of the body do not match "zzz"`},
		{"one chunk", ok + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", "abc", `the first 100000 bytes of the body do not match "zzz"`},
	} {
		got := ask(t, sdktest.Endless(t, tt.head, tt.more), `{"body_match":"zzz","max_body":100000}`)
		if got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAServerThatResetsOrKeepsSilent(t *testing.T) {
	reset := sdktest.Accept(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 1))
		c.SetLinger(0)
	})
	if got, want := ask(t, reset, `{}`), "waiting for the response: connection reset by peer"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := askWithin(t, sdktest.Silent(t), `{"path":"/healthz"}`, 100*time.Millisecond), "timeout after 100ms waiting for the response"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	waits := sdktest.Accept(t, func(c *net.TCPConn) { // for the client to speak first, and its prompt is short
		io.WriteString(c, "> ")
		io.Copy(io.Discard, c)
	})
	if got, want := askWithin(t, waits, `{}`, 100*time.Millisecond), `not HTTP: the answer begins with "> "`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	drip := sdktest.Accept(t, func(c *net.TCPConn) { // a byte at a time is no way to hold a probe either
		for range 100 {
			if _, err := io.WriteString(c, "H"); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	alone := sdktest.Ask(t, Plugin(), sdktest.TargetAt(drip), `{}`, 100*time.Millisecond)
	if among := sdktest.AskBySchedule(t, Plugin(), sdktest.TargetAt(drip), `{}`, 100*time.Millisecond); alone == "" || among == "" {
		t.Error("a server that drips is up")
	}
}

func TestAnAnswerBeforeTheRequestWasReadCounts(t *testing.T) {
	eager := sdktest.Accept(t, func(c *net.TCPConn) {
		io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n")
	})
	if got, want := ask(t, eager, `{}`), "HTTP 503 Service Unavailable, want 200-299"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A deafConn is a connection to a server that has answered and reads no more.
type deafConn struct {
	net.Conn
	answer io.Reader
}

func (c deafConn) Write([]byte) (int, error)  { return 0, syscall.EPIPE }
func (c deafConn) Read(b []byte) (int, error) { return c.answer.Read(b) }

func TestAnAnswerToARequestThatCouldNotBeSentCountsToo(t *testing.T) {
	p, ds := compile(decoded(t, `{}`))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	l := &line{plan: p, conn: deafConn{answer: strings.NewReader("HTTP/1.1 503 No\r\n\r\n")}}
	if answer, err := l.ask(t.Context()); err != nil || answer.StatusCode != 503 {
		t.Errorf("%v, %v", answer, err)
	}
	l.conn = deafConn{answer: strings.NewReader("")}
	if _, err := l.ask(t.Context()); err == nil || err.Error() != "sending the request: broken pipe" {
		t.Errorf("got %v", err)
	}
}

// Which of net/http's goroutines notices first decides what it says; so this is not left to a server.
func TestTheEndOfAnHTTP2ConnectionIsToldByTheConnection(t *testing.T) {
	vague, precise := errors.New("http2: client conn could not be established"), errors.New("http2: server sent GOAWAY")
	w := &witness{Conn: deafConn{answer: strings.NewReader("\x00\x00\x00\x04")}}
	io.ReadAll(w)
	if got := w.cause(vague); got != io.EOF {
		t.Errorf("got %v", got)
	}
	if got := w.cause(precise); got != precise {
		t.Errorf("got %v", got)
	}
}

func TestHTTP2ThatIsNone(t *testing.T) {
	for _, tt := range []struct {
		server net.Addr
		want   string
	}{
		{sdktest.Answer(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "not HTTP/2: the server speaks HTTP/1.1"},
		{sdktest.Answer(t, strings.Repeat("\xff", 100)), `not HTTP/2: the answer begins with "\xff\xff\xff\xff\xff\xff\xff\xff\xff"`},
		{sdktest.Answer(t, ""), "waiting for the response: the server closed the connection"},
	} {
		if got := ask(t, tt.server, `{"http_version":"2"}`); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if got, want := askWithin(t, sdktest.Silent(t), `{"http_version":"2"}`, 100*time.Millisecond), "timeout after 100ms waiting for the response"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Any bytes at all: no panic, no long reason, and never more read than is allowed.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 No\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
		"SSH-2.0-x\r\n", "\x15\x03\x01", "", "H",
	} {
		f.Add([]byte(s))
	}
	p, ds := compile(decoded(f, `{"body_match":"abc","max_body":1000}`))
	if len(ds) > 0 {
		f.Fatal(ds)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.NewReader(b)
		l := &line{target: sdk.Target{Address: netip.IPv6Loopback(), Port: 80}, plan: p}
		answer, err := l.answer(t.Context(), in)
		if err == nil {
			var s *seen
			if s, err = l.read(t.Context(), answer); err == nil && s.length > 1000 {
				t.Errorf("%d bytes of the body were read", s.length)
			}
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("a reason of %d bytes", len(err.Error()))
		}
	})
}

// A server may send anything to a probe.
func FuzzServer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\nabc"), false)
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"), true) // SETTINGS, HEADERS with :status 200
	one, two := decoded(f, `{"body_match":"abc"}`), decoded(f, `{"body_match":"abc","http_version":"2"}`)
	p := open(f)
	f.Fuzz(func(t *testing.T, b []byte, http2 bool) {
		c := one
		if http2 {
			c = two
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			if c, err := l.Accept(); err == nil {
				c.Write(b)
				c.(*net.TCPConn).CloseWrite()
				c.SetDeadline(time.Now().Add(time.Second))
				io.Copy(io.Discard, c)
				c.Close()
			}
		}()
		at := l.Addr().(*net.TCPAddr).AddrPort()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := p.Probe(ctx, sdk.Target{Address: at.Addr(), Port: at.Port()}, c); err != nil && ctx.Err() != nil {
			t.Errorf("it hangs: %v", err)
		}
	})
}

// The folder testdata has answers as servers gave them: each is judged as its first line says.
func TestRecordedAnswers(t *testing.T) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if f.IsDir() {
			continue // of the fuzzer
		}
		n++
		b, err := os.ReadFile("testdata/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		want, answer, _ := strings.Cut(string(b), "\n")
		want = strings.TrimPrefix(want, "up")
		answer = strings.ReplaceAll(answer, "\n", "\r\n")
		if got := ask(t, sdktest.Answer(t, answer), `{"body_match":"(?i)ok|welcome"}`); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", f.Name(), got, want)
		}
	}
	if n == 0 {
		t.Error("there are none")
	}
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func TestHostileServersByTLS(t *testing.T) {
	sdktest.Survives(t, Plugin(), `{"tls":true,"verify":false}`)
}
