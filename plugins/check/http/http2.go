package http

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
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
	if l.peer == nil {
		l.heard = &witness{Conn: l.conn}
		if l.peer, err = l.plan.http2.NewClientConn(context.WithValue(ctx, handedOver{}, l.heard), "http", "host:0"); err != nil {
			return nil, l.failed(ctx, l.heard.cause(err), sending)
		}
	}
	request := &http.Request{Method: l.plan.Method, URL: u, Host: u.Host, Header: l.plan.header.Clone()}
	answer, err := l.peer.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, l.failed(ctx, l.heard.cause(err), waiting)
	}
	return answer, nil
}

// A witness is a connection that remembers what came over it at first, and what its end was: net/http tells either only
// sometimes, depending on which of its goroutines notices.
type witness struct {
	net.Conn
	dialog.Witness
}

// frameHeader is the size of a frame's header in bytes, RFC 9113, section 4.1.
const frameHeader = 9

// Read reads.
func (w *witness) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.Saw(b[:n], err)
	return n, err
}

// errNotHTTP2 says that the server speaks something else.
var errNotHTTP2 = errors.New("not HTTP/2")

// cause returns why there is no answer, of which err is what net/http says.
func (w *witness) cause(err error) error {
	begin := w.Beginning()
	begin = begin[:min(len(begin), frameHeader)]
	const settings = 4 // the first frame of a server, RFC 9113, section 3.4
	switch {
	case strings.HasPrefix(begin, "HTTP/1"):
		return fmt.Errorf("%w: the server speaks HTTP/1.1", errNotHTTP2)
	case len(begin) > 3 && begin[3] != settings:
		return fmt.Errorf("%w: the answer begins with %q", errNotHTTP2, begin)
	case w.End() != nil && strings.Contains(err.Error(), "client conn"): // "could not be established", "is closed", "not usable"
		return w.End()
	}
	return err
}
