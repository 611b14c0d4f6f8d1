package tcp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A connector connects to many servers at once without a goroutine for each, in as few system calls as there can be:
// they are nearly all that a check costs. Three are enough for a server that answers at once:
//
//   - connect begins the handshake;
//   - connect again says what has become of it: 0 for a connection, EALREADY for one that is still being made, otherwise
//     the error (__inet_stream_connect in the kernel's net/ipv4/af_inet.c);
//   - connect to no address, AF_UNSPEC, ends the connection by a reset, so that neither side keeps it in TIME_WAIT, and
//     makes the socket as good as new, for the next probe (connect(2); tcp_disconnect in net/ipv4/tcp.c).
//
// A handshake that takes longer than the batch in which it was begun is waited for by epoll, with one more. What has failed
// costs a new socket.
type connector struct {
	epoll   int      // of handshakes that take their time
	file    *os.File // the same
	waiting syscall.RawConn
	watched int // how many are waited for
	events  []unix.EpollEvent

	flights []flight          // by the number of the probe
	begun   []int             // since the last look
	idle    map[kind][]socket // to be used again

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

// A flight is a connection that is being made.
type flight struct {
	socket
	kind    kind
	to      sockaddr
	where   netip.AddrPort
	timeout time.Duration
	stage   stage
	err     error // that it had before the first look
}

// A stage is how far a flight is.
type stage uint8

const (
	over    stage = iota // none is, any more
	begun                // since the last look
	watched              // by epoll
)

// maxIdle is how many sockets of a kind are kept to be used again.
const maxIdle = 256

func newConnector() (*connector, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // by which NewFile knows that Go's own epoll can wait for it
		unix.Close(fd)
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	c := &connector{
		epoll: fd, file: os.NewFile(uintptr(fd), "epoll"),
		events: make([]unix.EpollEvent, 256),
		idle:   make(map[kind][]socket),
		socket: newSocket,
	}
	if c.waiting, err = c.file.SyscallConn(); err != nil {
		c.file.Close()
		return nil, fmt.Errorf("waiting for an epoll instance: %w", err)
	}
	return c, nil
}

// Close implements sdk.Prober: nothing is in flight any more.
func (c *connector) Close() error {
	for _, idle := range c.idle {
		for _, s := range idle {
			unix.Close(s.fd)
		}
	}
	return c.file.Close()
}

// Wait implements sdk.Starter.
func (c *connector) Wait() bool {
	first := true
	err := c.waiting.Read(func(fd uintptr) bool {
		if !first {
			return true
		}
		first = false
		n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) // since the last time
		return n > 0
	})
	return err == nil
}

// Start implements sdk.Starter.
func (c *connector) Start(n int, t sdk.Target) {
	if n >= len(c.flights) {
		c.flights = append(c.flights, make([]flight, n+1-len(c.flights))...)
	}
	f := &c.flights[n]
	*f = flight{to: sockaddrOf(t.Address, t.Port), where: netip.AddrPortFrom(t.Address, t.Port), timeout: t.Schedule.Timeout, stage: begun}
	f.kind = kind{f.to.family(), t.Egress}
	c.begun = append(c.begun, n)
	if f.socket, f.err = c.take(f.kind); f.err != nil {
		return
	}
	if err := connect(f.fd, &f.to); err != 0 && err != unix.EINPROGRESS {
		f.err = err
	}
}

// take returns a socket that is not connected. One that there is not has the descriptor -1.
func (c *connector) take(k kind) (socket, error) {
	idle := c.idle[k]
	if last := len(idle) - 1; last >= 0 {
		s := idle[last]
		c.idle[k] = idle[:last]
		return s, nil
	}
	fd, err := c.socket(k)
	if err != nil {
		return socket{fd: -1}, err
	}
	return socket{fd: fd}, nil
}

// Ended implements sdk.Starter.
func (c *connector) Ended(tell func(n int, err error)) {
	for _, n := range c.begun {
		if c.flights[n].stage == begun {
			c.look(n, tell)
		}
	}
	c.begun = c.begun[:0]
	for some := len(c.events); c.watched > 0 && some == len(c.events); {
		var err error
		if some, err = unix.EpollWait(c.epoll, c.events, 0); err != nil {
			return // by a signal
		}
		for _, e := range c.events[:some] {
			c.watched--
			c.look(int(e.Fd), tell)
		}
	}
}

// look asks what has become of a flight, and has it waited for if that is nothing yet.
func (c *connector) look(n int, tell func(n int, err error)) {
	f := &c.flights[n]
	if f.err == nil {
		switch err := connect(f.fd, &f.to); err {
		case 0:
			f.stage = over
			c.reset(f)
			tell(n, nil)
			return
		case unix.EALREADY:
			if f.err = c.watch(n); f.err == nil {
				return
			}
		default:
			f.err = err
		}
	}
	f.stage = over
	c.drop(f)
	var egress *sdk.EgressError
	if errors.As(f.err, &egress) {
		tell(n, egress)
		return
	}
	tell(n, fmt.Errorf("connect %s: %w", f.where, f.err))
}

// watch has epoll tell, once, when there is something to be seen of a flight.
func (c *connector) watch(n int) error {
	f := &c.flights[n]
	op := unix.EPOLL_CTL_ADD
	if f.known {
		op = unix.EPOLL_CTL_MOD
	}
	e := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLONESHOT, Fd: int32(n)}
	if err := unix.EpollCtl(c.epoll, op, f.fd, &e); err != nil {
		return err
	}
	f.known, f.stage = true, watched
	c.watched++
	return nil
}

// Stop implements sdk.Starter. The reason is in the words of sdk.Dial.
func (c *connector) Stop(n int) error {
	f := &c.flights[n]
	if f.stage == watched {
		c.watched--
	}
	f.stage = over
	c.drop(f)
	return fmt.Errorf("%w: connect %s", &sdk.TimeoutError{Target: sdk.Target{Schedule: sdk.Schedule{Timeout: f.timeout}}}, f.where)
}

// reset ends a connection, and keeps its socket for another.
func (c *connector) reset(f *flight) {
	if disconnect(f.fd) != 0 || len(c.idle[f.kind]) == maxIdle {
		c.drop(f)
		return
	}
	c.idle[f.kind] = append(c.idle[f.kind], f.socket)
}

// drop closes the socket of a flight, if it has one.
func (c *connector) drop(f *flight) {
	if f.fd >= 0 {
		unix.Close(f.fd)
	}
}
