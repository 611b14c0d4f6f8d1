// Package switchboard talks with many servers at once by TCP, without a goroutine for each probe: it makes an sdk.Starter
// of a check type of which there are thousands of probes a second. What is heard of a server at once and without
// much ado, as nearly always, costs a few system calls; what takes longer is finished by a goroutine all the same.
//
//	type prober struct{ *switchboard.Board } // made by New; it has Stop, Ended, Wait and Close
//
//	func (prober) Takes(t sdk.Target, c Config) bool { return switchboard.Takes(t) && !c.TLS.On }
//
//	func (p prober) Start(n int, t sdk.Target, c Config) { p.Board.Start(n, t, talk{c}) }
//
//	func (prober) Probe(ctx context.Context, t sdk.Target, c Config) error { ... } // of what is not taken
//
// A Talk without more than Rest would do, and cost what a goroutine costs; Hear is what is quick. Check "tcp" and check
// "http" are made so.
package switchboard

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Board is where all calls of a check type come together. Make one with New. But for Start, its methods are those of an
// sdk.Starter, and are called as such: Start, Stop and Ended one at a time.
//
// System calls are nearly all that a probe costs. Five are enough for a server that answers:
//
//   - connect begins the handshake;
//   - sendto says what is to be said, be it nothing, and so finds out whether there is a connection: it returns EAGAIN while
//     one is being made (sk_stream_wait_connect in the kernel's net/core/stream.c), and otherwise the error;
//   - epoll_ctl has the answer waited for, once: many are heard of by one epoll_wait;
//   - recvfrom hears it;
//   - connect to no address, AF_UNSPEC, ends the connection by a reset, so that neither side keeps it in TIME_WAIT, and
//     makes the socket as good as new, for the next probe (connect(2); tcp_disconnect in net/ipv4/tcp.c).
//
// Without a Talk three are enough: connect, called again, says what has become of the first one, 0 for a connection, EALREADY
// for one that is still being made, otherwise the error (__inet_stream_connect in net/ipv4/af_inet.c). A handshake that takes
// longer than the batch in which it was begun is waited for as the answer is. A connection that has failed costs a new
// socket.
type Board struct {
	epoll   int      // of what takes its time
	file    *os.File // the same
	waiting syscall.RawConn
	watched int // how many are waited for
	events  []unix.EpollEvent
	scratch []byte // what is heard at first
	said    []byte // what is being said

	calls []call            // by the number of the probe
	begun []int             // since the last look
	idle  map[kind][]socket // to be used again
	rests rests

	socket func(kind) (fd int, err error) // the one place that makes sockets
}

// A kind is what sockets have in common that may be used in place of each other.
type kind struct {
	family int
	egress sdk.Egress
}

// A socket is one that may be used again and again.
type socket struct {
	fd    int
	known bool // to epoll, which looks away until it is told to wait for it again
}

// maxIdle is how many sockets of a kind are kept to be used again.
const maxIdle = 256

// New makes a Board. Its error means that this machine is short of file descriptors or the like.
func New() (*Board, error) {
	b := &Board{
		events:  make([]unix.EpollEvent, 256),
		scratch: make([]byte, Glance),
		idle:    make(map[kind][]socket),
		socket:  newSocket,
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	b.epoll = fd
	if err := unix.SetNonblock(fd, true); err != nil { // by which NewFile knows that Go's own epoll can wait for it
		unix.Close(fd)
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	b.file = os.NewFile(uintptr(fd), "epoll")
	if b.waiting, err = b.file.SyscallConn(); err != nil {
		b.file.Close()
		return nil, fmt.Errorf("waiting for an epoll instance: %w", err)
	}
	if err := b.rests.open(fd); err != nil {
		b.file.Close()
		return nil, err
	}
	return b, nil
}

// Close implements sdk.Prober: no probe runs any more.
func (b *Board) Close() error {
	b.rests.close()
	for _, idle := range b.idle {
		for _, s := range idle {
			unix.Close(s.fd)
		}
	}
	return b.file.Close()
}

// Takes says whether a target can be called: one with an address without a zone, and a port.
func Takes(t sdk.Target) bool {
	return t.Address.IsValid() && t.Address.Zone() == "" && t.Port > 0
}

// Wait implements sdk.Starter.
func (b *Board) Wait() bool {
	first := true
	err := b.waiting.Read(func(fd uintptr) bool {
		if !first {
			return true
		}
		first = false
		n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) // since the last time
		return n > 0
	})
	return err == nil
}

// Start begins the probe n of a target. With a nil Talk it is up once there is a connection.
func (b *Board) Start(n int, t sdk.Target, talk Talk) {
	if n >= len(b.calls) {
		b.calls = append(b.calls, make([]call, n+1-len(b.calls))...)
	}
	c := &b.calls[n]
	*c = call{target: t, talk: talk, to: sockaddrOf(t.Address, t.Port), stage: begun}
	b.begun = append(b.begun, n)
	c.kind = kind{c.to.family(), t.Egress}
	if c.socket, c.err = b.take(c.kind); c.err != nil {
		return
	}
	if err := connect(c.fd, &c.to); err != 0 && err != unix.EINPROGRESS {
		c.err = err
	}
}

// take returns a socket that is not connected. One that there is not has the descriptor -1.
func (b *Board) take(k kind) (socket, error) {
	idle := b.idle[k]
	if last := len(idle) - 1; last >= 0 {
		s := idle[last]
		b.idle[k] = idle[:last]
		return s, nil
	}
	fd, err := b.socket(k)
	if err != nil {
		return socket{fd: -1}, err
	}
	return socket{fd: fd}, nil
}

// Ended implements sdk.Starter.
func (b *Board) Ended(tell func(n int, err error)) {
	for _, n := range b.begun {
		if b.calls[n].stage == begun {
			b.look(n, tell)
		}
	}
	b.begun = b.begun[:0]
	for some := len(b.events); b.watched+b.rests.running > 0 && some == len(b.events); {
		var err error
		if some, err = unix.EpollWait(b.epoll, b.events, 0); err != nil {
			return // by a signal
		}
		for _, e := range b.events[:some] {
			if e.Fd == restEnded {
				b.collect(tell)
				continue
			}
			b.watched--
			b.look(int(e.Fd), tell)
		}
	}
}

// look goes on with a call as far as that goes without waiting.
func (b *Board) look(n int, tell func(n int, err error)) {
	c := &b.calls[n]
	next, err := b.advance(n)
	if next != over {
		c.stage = next
		return
	}
	c.stage = over
	b.hangUp(c)
	tell(n, err)
}

// watch has epoll tell, once, when something can be done about a call.
func (b *Board) watch(n int, events uint32) error {
	c := &b.calls[n]
	op := unix.EPOLL_CTL_ADD
	if c.known {
		op = unix.EPOLL_CTL_MOD
	}
	if err := unix.EpollCtl(b.epoll, op, c.fd, &unix.EpollEvent{Events: events | unix.EPOLLONESHOT, Fd: int32(n)}); err != nil {
		return fmt.Errorf("waiting for %s: %w", c.where(), err)
	}
	c.known = true
	b.watched++
	return nil
}

// Stop implements sdk.Starter. The reason is in the words of sdk.Dial until there is a connection, and in those of the Talk
// from there on.
func (b *Board) Stop(n int) error {
	c := &b.calls[n]
	var err error
	switch c.stage {
	case begun, connecting:
		err = fmt.Errorf("%w: connect %s", &sdk.TimeoutError{Target: c.target}, c.where())
	default:
		err = c.tooLate()
	}
	switch c.stage {
	case connecting, saying, listening:
		b.watched--
	case resting:
		c.abandon()
	}
	c.stage, c.broken = over, true
	b.hangUp(c)
	return err
}

// hangUp ends a connection by a reset, and keeps its socket for another if nothing has happened to it.
func (b *Board) hangUp(c *call) {
	switch {
	case c.fd < 0:
	case c.broken || len(b.idle[c.kind]) == maxIdle || disconnect(c.fd) != 0:
		unix.Close(c.fd)
	default:
		b.idle[c.kind] = append(b.idle[c.kind], c.socket)
	}
	c.fd, c.talk, c.heard, c.unsaid = -1, nil, nil, nil
}

// failed is why there is no connection, in the words of sdk.Dial.
func (c *call) failed(err error) error {
	c.broken = true
	var egress *sdk.EgressError
	if errors.As(err, &egress) {
		return egress
	}
	return fmt.Errorf("connect %s: %w", c.where(), err)
}

func (c *call) where() netip.AddrPort { return netip.AddrPortFrom(c.target.Address, c.target.Port) }
