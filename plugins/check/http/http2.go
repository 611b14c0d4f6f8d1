package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// newHTTP2 makes what speaks HTTP/2 on connections that are there already, whether there is TLS below or not.
func newHTTP2() *http.Transport {
	var versions http.Protocols
	versions.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols: &versions,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(handedOver{}).(net.Conn), nil
		},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// handedOver is the context key of the connection that is to speak HTTP/2.
type handedOver struct{}

func (l *line) askHTTP2(ctx context.Context) (*http.Response, error) {
	u, err := url.Parse("http://host" + l.plan.Path)
	if err != nil {
		return nil, err
	}
	if u.Host = l.plan.authority(l.target); l.plan.TLS.On {
		u.Scheme = "https"
	}
	w := &witness{Conn: l.conn}
	if l.peer, err = l.plan.http2.NewClientConn(context.WithValue(ctx, handedOver{}, w), "http", "host:0"); err != nil {
		return nil, l.failed(ctx, w.cause(err), sending)
	}
	request := &http.Request{Method: l.plan.Method, URL: u, Host: u.Host, Header: l.plan.header.Clone()}
	answer, err := l.peer.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, l.failed(ctx, w.cause(err), waiting)
	}
	return answer, nil
}

// A witness is a connection that remembers what came over it at first, and what its end was: net/http tells either only
// sometimes, depending on which of its goroutines notices.
type witness struct {
	net.Conn

	mu    sync.Mutex
	begin []byte // at most frameHeader bytes
	end   error
}

// frameHeader is the size of a frame's header in bytes, RFC 9113, section 4.1.
const frameHeader = 9

// Read reads.
func (w *witness) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin = append(w.begin, b[:min(n, frameHeader-len(w.begin))]...)
	if err != nil && w.end == nil {
		w.end = err
	}
	return n, err
}

// errNotHTTP2 says that the server speaks something else.
var errNotHTTP2 = errors.New("not HTTP/2")

// cause returns why there is no answer, of which err is what net/http says.
func (w *witness) cause(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	const settings = 4 // the first frame of a server, RFC 9113, section 3.4
	switch {
	case bytes.HasPrefix(w.begin, []byte("HTTP/1")):
		return fmt.Errorf("%w: the server speaks HTTP/1.1", errNotHTTP2)
	case len(w.begin) > 3 && w.begin[3] != settings:
		return fmt.Errorf("%w: the answer begins with %q", errNotHTTP2, w.begin)
	case w.end != nil && strings.Contains(err.Error(), "client conn"): // "could not be established", "is closed", "not usable"
		return w.end
	}
	return err
}
