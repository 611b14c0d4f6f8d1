package switchboard

import (
	"io"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A call is one probe.
type call struct {
	socket
	kind   kind
	to     sockaddr
	target sdk.Target
	talk   Talk // nil: the connection is enough
	stage  stage
	err    error // that it had before the first look

	unsaid []byte     // that did not go into the socket's buffer at once
	heard  []byte     // so far, unless nothing has come yet
	pieces int        // in which that has come
	end    unix.Errno // of the connection, as far as sending has told
	broken bool       // the socket is not to be used again
	rest   *rest      // what goes on with it
}

// A stage is how far a call is.
type stage uint8

const (
	over       stage = iota // none is, any more
	begun                   // since the last look
	connecting              // and waited for
	saying                  // likewise: what it has to say is longer than the socket's buffer
	listening               // likewise
	resting                 // a goroutine goes on with it
)

// advance goes on with a call, and returns how far that went: to a stage in which it is waited for, or to its end.
func (b *Board) advance(n int) (stage, error) {
	c := &b.calls[n]
	if c.err != nil {
		return over, c.failed(c.err)
	}
	at := c.stage
	if at == begun || at == connecting {
		switch err := b.greet(c); {
		case err == unix.EAGAIN || err == unix.EALREADY:
			return b.wait(n, connecting, unix.EPOLLOUT)
		case c.talk != nil && (err == unix.ECONNRESET || err == unix.EPIPE): // after a handshake: it may have said something
			c.end = err
		case err != 0:
			return over, c.failed(err)
		case c.talk == nil:
			return over, nil
		}
		at = listening
		if len(c.unsaid) > 0 {
			at = saying
		}
	} else if at == saying {
		b.say(c)
	}
	if len(c.unsaid) > 0 {
		return b.wait(n, saying, unix.EPOLLOUT)
	}
	if c.stage != listening && c.end == 0 { // nobody has answered yet
		return b.wait(n, listening, unix.EPOLLIN)
	}
	return b.listen(n)
}

// wait has a call waited for in a stage.
func (b *Board) wait(n int, at stage, events uint32) (stage, error) {
	if err := b.watch(n, events); err != nil {
		b.calls[n].broken = true
		return over, err
	}
	return at, nil
}

// greet says what is to be said, be it nothing, if there is a connection. Otherwise it returns why there is none: EAGAIN and
// EALREADY mean, not yet.
func (b *Board) greet(c *call) unix.Errno {
	if c.talk == nil {
		return connect(c.fd, &c.to)
	}
	b.said = c.talk.Say(b.said[:0], c.target)
	n, err := send(c.fd, b.said)
	if err == 0 && n < len(b.said) {
		c.unsaid = append([]byte(nil), b.said[n:]...)
	}
	return err
}

// say goes on saying what is to be said.
func (b *Board) say(c *call) {
	switch n, err := send(c.fd, c.unsaid); err {
	case 0:
		c.unsaid = c.unsaid[n:]
	case unix.EAGAIN:
	default:
		c.unsaid, c.end = nil, err
	}
}

// listen hears what has come, until there is no more for now or it is enough.
func (b *Board) listen(n int) (stage, error) {
	c := &b.calls[n]
	for {
		if len(c.heard) == Glance || c.pieces == Pieces {
			return b.hand(n)
		}
		some, errno := receive(c.fd, b.scratch[:Glance-len(c.heard)])
		var end error
		switch {
		case errno == unix.EAGAIN:
			return b.wait(n, listening, unix.EPOLLIN)
		case errno == unix.EINTR:
			continue
		case errno != 0:
			end, c.broken = errno, true
		case some == 0 && (c.end == 0 || c.end == unix.EPIPE): // a pipe breaks when the server has closed it
			end = io.EOF
		case some == 0:
			end, c.broken = c.end, true
		}
		answer := b.scratch[:some]
		if c.pieces > 0 {
			c.heard = append(c.heard, answer...)
			answer = c.heard
		}
		c.pieces++
		more, err := c.hear(answer, end)
		if !more || end != nil {
			return over, err
		}
		if c.pieces == 1 {
			c.heard = append(c.heard, answer...)
		}
	}
}
