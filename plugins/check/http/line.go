package http

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// A line is a connection for one request, or for several of one probe.
type line struct {
	target sdk.Target
	plan   *plan
	tcp    net.Conn
	conn   net.Conn // the same, or TLS over it
	http2  bool
	peer   *http.ClientConn // with http2, once it has begun
	heard  *witness         // likewise
	last   bool             // no other request follows
	reader *bufio.Reader    // of the answer, by HTTP/1.1: the plan's
}

// maxHeader is how many bytes all headers of an answer may have.
const maxHeader = 64 << 10

// connect connects, and shakes hands by TLS if the plan says so.
func connect(ctx context.Context, t sdk.Target, p *plan) (*line, error) {
	c, err := dialog.Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	c.Bound(-1) // head and body have bounds of their own
	l := &line{target: t, plan: p, tcp: c, conn: c, http2: p.HTTPVersion == "2"}
	if p.TLS.On {
		if err := l.shakeHands(ctx); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// close resets the connection: nothing more is expected of either side.
func (l *line) close() {
	l.tcp.Close()
	if l.peer != nil {
		l.peer.Close() // last: it would wait for the server to take its farewell
	}
	l.forget()
}

// forget gives back the reader: the answer has been read.
func (l *line) forget() {
	if l.reader != nil {
		l.reader.Reset(nil)
		l.plan.readers.Put(l.reader)
		l.reader = nil
	}
}

// ask sends the request and returns the answer, of which the body is still to be read.
func (l *line) ask(ctx context.Context) (*http.Response, error) {
	if l.http2 {
		return l.askHTTP2(ctx)
	}
	// An error of the write is not the last word: the server may have answered before it had read everything.
	_, unsent := l.conn.Write(l.plan.appendRequest(nil, l.target, l.last))
	answer, err := l.answer(ctx, l.conn)
	if err != nil && unsent != nil {
		return nil, l.failed(ctx, unsent, sending)
	}
	return answer, err
}

// judge says what is wrong with an answer, of which the body is still to be read, and whether there is no more of that.
func (l *line) judge(ctx context.Context, answer *http.Response) (whole bool, err error) {
	if err := l.plan.judgeStatus(answer.StatusCode); err != nil {
		return false, err
	}
	if l.plan.MaxBody == 0 {
		return false, nil
	}
	body, err := l.read(ctx, answer)
	if err != nil {
		return false, err
	}
	return body.whole, l.plan.judgeBody(body)
}

// answer reads the head of an answer by HTTP/1.1. This is all that gets to see the server's bytes as they are.
func (l *line) answer(ctx context.Context, from io.Reader) (*http.Response, error) {
	limited := &dialog.BoundedReader{From: from, Left: maxHeader, Full: errHeaderTooLong}
	if l.reader == nil {
		l.reader, _ = l.plan.readers.Get().(*bufio.Reader)
	}
	if l.reader == nil {
		l.reader = bufio.NewReader(nil)
	}
	r := l.reader
	r.Reset(limited)
	if err := l.sniff(ctx, r); err != nil {
		return nil, err
	}
	for {
		answer, err := http.ReadResponse(r, l.plan.request)
		if err != nil && limited.Left == 0 {
			return nil, errHeaderTooLong
		}
		if err != nil {
			return nil, l.failed(ctx, err, waiting)
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			limited.Left = -1
			return answer, nil
		}
	}
}

var errHeaderTooLong = fmt.Errorf("the headers of the answer are longer than %d bytes", maxHeader)
