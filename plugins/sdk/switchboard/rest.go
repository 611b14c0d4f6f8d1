package switchboard

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// restEnded is what epoll says, in place of the number of a call, when a goroutine has finished one.
const restEnded = -1

// rests are the calls that go on in goroutines of their own.
type rests struct {
	event   int // an eventfd that epoll waits for
	running int // that have not been collected
	all     sync.WaitGroup

	mu    sync.Mutex
	ended []*rest
}

// A rest is what such a goroutine does.
type rest struct {
	n      int // of the call, while that is this one's
	cancel context.CancelFunc
	err    error // once it has ended
}

// open has an epoll instance wait for the ends.
func (r *rests) open(epoll int) (err error) {
	if r.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("making an eventfd: %w", err)
	}
	// By its edge: so that nobody need read it.
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, r.event, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: restEnded}); err != nil {
		unix.Close(r.event)
		return fmt.Errorf("waiting for an eventfd: %w", err)
	}
	return nil
}

// close waits for all goroutines, none of which counts any more.
func (r *rests) close() {
	r.all.Wait()
	unix.Close(r.event)
}

// abandon ends the goroutine of a call, which no longer counts.
func (c *call) abandon() {
	c.rest.cancel()
	c.rest = nil
}

// hand hands a call over to a goroutine, with its connection.
func (b *Board) hand(n int) (stage, error) {
	c := &b.calls[n]
	conn, err := b.detach(c)
	if err != nil {
		return over, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &rest{n: n, cancel: cancel}
	c.rest = r
	b.rests.running++
	talk, target := c.talk, c.target
	heard := &replayed{Conn: conn, first: c.heard}
	b.rests.all.Go(func() {
		defer cancel()
		r.err = finish(ctx, talk, target, heard)
		b.rests.finished(r)
	})
	return resting, nil
}

// finish hears the rest. A panic is an error.
func finish(ctx context.Context, talk Talk, t sdk.Target, conn net.Conn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	d := dialog.Wrap(ctx, t, conn)
	defer d.Close()
	return talk.Rest(ctx, t, d)
}

// detach makes the connection of a call one of package net's.
func (b *Board) detach(c *call) (net.Conn, error) {
	if c.known {
		_ = unix.EpollCtl(b.epoll, unix.EPOLL_CTL_DEL, c.fd, nil) // the connection lives on, under another number
	}
	f := os.NewFile(uintptr(c.fd), "connection")
	c.fd = -1
	conn, err := net.FileConn(f)
	f.Close()
	if err == nil {
		err = conn.(*net.TCPConn).SetLinger(0)
	}
	if err != nil {
		return nil, fmt.Errorf("listening to %s: %w", c.where(), err)
	}
	return conn, nil
}

// finished says that a rest has ended.
func (r *rests) finished(one *rest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, one)
	_, _ = unix.Write(r.event, binary.NativeEndian.AppendUint64(nil, 1)) // never full
}

// collect tells of the rests that have ended, but for those that were abandoned.
func (b *Board) collect(tell func(n int, err error)) {
	b.rests.mu.Lock()
	ended := b.rests.ended
	b.rests.ended = nil
	b.rests.mu.Unlock()
	b.rests.running -= len(ended)
	for _, r := range ended {
		if c := &b.calls[r.n]; c.rest == r {
			c.rest, c.stage = nil, over
			b.hangUp(c)
			tell(r.n, r.err)
		}
	}
}

// A replayed connection begins with what was heard on it already.
type replayed struct {
	net.Conn
	first []byte
}

// Read reads.
func (r *replayed) Read(b []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(b, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(b)
}
