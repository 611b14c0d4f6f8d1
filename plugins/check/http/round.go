package http

import (
	"context"
	"fmt"
	"net/http"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A round is one probe: its requests, one after the other, on one connection as long as the server keeps that.
type round struct {
	target sdk.Target
	plan   *plan
	line   *line // nil: none is open
}

// ask makes one of the requests and judges the answer. Other requests follow unless it is the last one.
func (r *round) ask(ctx context.Context, p *plan, last bool) error {
	again := r.line != nil
	if err := r.connect(ctx); err != nil {
		return err
	}
	r.line.plan, r.line.last = p, last
	answer, err := r.line.ask(ctx)
	if err != nil && again && ctx.Err() == nil {
		// The server may have closed the connection without a word, as it may at any time (RFC 9112, section 9.6).
		r.close()
		if err := r.connect(ctx); err != nil {
			return err
		}
		r.line.plan, r.line.last = p, last
		answer, err = r.line.ask(ctx)
	}
	if err != nil {
		return r.named(p, err)
	}
	whole, err := r.line.judge(ctx, answer)
	if err != nil {
		return r.named(p, err)
	}
	if !last && !r.line.stays(answer, whole) {
		r.close()
	}
	return nil
}

// connect connects, unless there is a connection.
func (r *round) connect(ctx context.Context) (err error) {
	if r.line == nil {
		r.line, err = connect(ctx, r.target, r.plan)
	}
	return err
}

// close resets the connection, with whatever is left of a body: closing the body would read all of it.
func (r *round) close() {
	if r.line != nil {
		r.line.close()
		r.line = nil
	}
}

// named says which of several requests has failed.
func (r *round) named(p *plan, err error) error {
	if len(r.plan.requests) == 1 || err == context.Canceled || err == context.DeadlineExceeded {
		return err
	}
	return fmt.Errorf("url %s: %w", p.uri, err)
}

// stays says whether another request can follow on the connection. By HTTP/2 one always can; of HTTP/1.1 the whole body must
// have been read.
func (l *line) stays(answer *http.Response, whole bool) bool {
	if l.http2 {
		answer.Body.Close() // a stream that is left costs the others their window
		return true
	}
	return !answer.Close && answer.ProtoAtLeast(1, 1) && (whole || l.plan.Method == http.MethodHead || answer.ContentLength == 0)
}
