package http

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A line is a connection for one request.
type line struct {
	target sdk.Target
	plan   *plan
	tcp    net.Conn
	conn   net.Conn // the same, or TLS over it
	http2  bool
	peer   *http.ClientConn // with http2, once it has begun
	unbind func() bool
}

// maxHeader is how many bytes all headers of an answer may have.
const maxHeader = 64 << 10

// connect connects, and shakes hands by TLS if the plan says so.
func connect(ctx context.Context, t sdk.Target, p *plan) (*line, error) {
	c, err := sdk.Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	l := &line{target: t, plan: p, tcp: c, conn: c, http2: p.HTTPVersion == "2"}
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	l.unbind = context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	if p.tlsConfig != nil {
		if err := l.shakeHands(ctx); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// close resets the connection: nothing more is expected of either side.
func (l *line) close() {
	l.unbind()
	if l.peer != nil {
		l.peer.Close()
	}
	l.tcp.Close()
}

// ask sends the request and returns the answer, of which the body is still to be read.
func (l *line) ask(ctx context.Context) (*http.Response, error) {
	if l.http2 {
		return l.askHTTP2(ctx)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", l.plan.Method, l.plan.uri, l.plan.authority(l.target))
	l.plan.header.Write(&b)
	if m := l.plan.Method; m == http.MethodPost || m == http.MethodPut || m == http.MethodPatch {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("Connection: close\r\n\r\n")
	// An error of the write is not the last word: the server may have answered before it had read everything.
	_, unsent := l.conn.Write(b.Bytes())
	answer, err := l.answer(ctx, l.conn)
	if err != nil && unsent != nil {
		return nil, l.failed(ctx, unsent, sending)
	}
	return answer, err
}

// answer reads the head of an answer by HTTP/1.1. This is all that gets to see the server's bytes as they are.
func (l *line) answer(ctx context.Context, from io.Reader) (*http.Response, error) {
	limited := &limitedReader{from: from, left: maxHeader}
	r := bufio.NewReader(limited)
	if err := l.sniff(ctx, r); err != nil {
		return nil, err
	}
	for {
		answer, err := http.ReadResponse(r, &http.Request{Method: l.plan.Method})
		if err != nil && limited.left == 0 {
			return nil, errHeaderTooLong
		}
		if err != nil {
			return nil, l.failed(ctx, err, waiting)
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			limited.left = -1
			return answer, nil
		}
	}
}

// read reads the body, or as much of it as may be.
func (l *line) read(ctx context.Context, answer *http.Response) (body []byte, truncated bool, err error) {
	limit := int64(l.plan.MaxBody)
	if !l.plan.wantsBody() {
		if _, err := io.CopyN(io.Discard, answer.Body, limit); err != nil && err != io.EOF {
			return nil, false, l.failed(ctx, err, reading)
		}
		return nil, false, nil
	}
	body, err = io.ReadAll(io.LimitReader(answer.Body, limit+1))
	truncated = int64(len(body)) > limit
	if err != nil && !truncated {
		return nil, false, l.failed(ctx, err, reading)
	}
	if truncated {
		body = body[:limit]
	}
	return body, truncated, nil
}

// newHTTP2 makes what speaks HTTP/2 on connections that are there already; see handOver.
func newHTTP2() *http.Transport {
	var versions http.Protocols
	versions.SetHTTP2(true)
	versions.SetUnencryptedHTTP2(true)
	handOver := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return ctx.Value(handedOver{}).(net.Conn), nil
	}
	return &http.Transport{
		Protocols:              &versions,
		DialContext:            handOver,
		DialTLSContext:         handOver,
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
	if u.Host = l.plan.authority(l.target); l.plan.TLS {
		u.Scheme = "https"
	}
	peer, err := l.plan.http2.NewClientConn(context.WithValue(ctx, handedOver{}, l.conn), u.Scheme, "host:0")
	if err != nil {
		return nil, l.failed(ctx, err, sending)
	}
	l.peer = peer
	request := &http.Request{Method: l.plan.Method, URL: u, Host: u.Host, Header: l.plan.header.Clone()}
	answer, err := peer.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, l.failed(ctx, err, waiting)
	}
	return answer, nil
}

// shakeHands makes TLS of the connection.
func (l *line) shakeHands(ctx context.Context) error {
	config := l.plan.tlsConfig
	if config.ServerName == "" || l.plan.roots != nil {
		config = config.Clone()
		if config.ServerName == "" {
			config.ServerName = l.target.Address.WithZone("").String()
		}
		if l.plan.roots != nil {
			pool, err := l.plan.roots.pool()
			if err != nil {
				return err
			}
			config.RootCAs = pool
		}
	}
	c := tls.Client(l.tcp, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return l.failedTLS(ctx, err, config.ServerName)
	}
	l.conn = c
	switch protocol := c.ConnectionState().NegotiatedProtocol; {
	case protocol == "h2":
		l.http2 = true
	case l.http2:
		return errors.New("the server does not offer HTTP/2 (ALPN)")
	}
	return nil
}

// A limitedReader is a reader of so many bytes, and no more.
type limitedReader struct {
	from io.Reader
	left int64 // negative: as many as there are
}

var errHeaderTooLong = fmt.Errorf("the headers of the answer are longer than %d bytes", maxHeader)

func (r *limitedReader) Read(b []byte) (int, error) {
	if r.left < 0 {
		return r.from.Read(b)
	}
	if r.left == 0 {
		return 0, errHeaderTooLong
	}
	n, err := r.from.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	return n, err
}
