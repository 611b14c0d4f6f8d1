package http

import (
	"context"
	"errors"
	"io"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// plain says whether a probe is one request by HTTP/1.1 in clear text.
func (p *plan) plain() bool {
	return len(p.requests) == 1 && !p.TLS.On && p.HTTPVersion != "2"
}

// A talk is a switchboard.Talk of one plain request. An answer is read by the same code whether it comes from a connection
// or is there already; that it wants more than is there is how it is known that there must be more.
type talk struct{ plan *plan }

// Say implements switchboard.Talk.
func (k talk) Say(b []byte, t sdk.Target) []byte { return k.plan.appendRequest(b, t, true) }

// Hear implements switchboard.Talk.
func (k talk) Hear(t sdk.Target, answer []byte, end error) (more bool, err error) {
	from := &heard{rest: answer, end: end}
	err = k.hear(context.Background(), t, from)
	return from.more, err
}

// Rest implements switchboard.Talk.
func (k talk) Rest(ctx context.Context, t sdk.Target, conn *dialog.Conn) error {
	conn.Bound(-1) // head and body have bounds of their own
	return k.hear(ctx, t, conn)
}

// hear reads an answer, and judges it.
func (k talk) hear(ctx context.Context, t sdk.Target, from io.Reader) error {
	l := &line{target: t, plan: k.plan, last: true}
	defer l.forget()
	answer, err := l.answer(ctx, from)
	if err == nil {
		_, err = l.judge(ctx, answer)
	}
	return err
}

// heard is what has come of an answer.
type heard struct {
	rest []byte
	end  error // after it; nil: more may come
	more bool  // more was wanted
}

// errMore is what a reader gets that wants more than has come.
var errMore = errors.New("more of the answer is to come")

// Read reads.
func (h *heard) Read(b []byte) (int, error) {
	switch {
	case len(h.rest) > 0:
		n := copy(b, h.rest)
		h.rest = h.rest[n:]
		return n, nil
	case h.end != nil:
		return 0, h.end
	}
	h.more = true
	return 0, errMore
}
