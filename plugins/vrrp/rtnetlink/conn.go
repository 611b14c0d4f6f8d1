package rtnetlink

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// A Conn is a socket for requests.
type Conn struct {
	fd       int
	sequence uint32
	buffer   []byte
}

// patience is how long an answer may take, which is there when the request has been sent: only a dump is made while it is
// read. In seconds.
const patience = 2

// Dial opens a socket.
func Dial() (*Conn, error) {
	fd, err := open(0, 0)
	if err != nil {
		return nil, err
	}
	c := &Conn{fd: fd, buffer: make([]byte, 64<<10)}
	if err := c.set(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return c, nil
}

// open returns a socket that hears the kernel's groups, and nobody but the kernel: what other processes send to a connected
// socket is refused.
func open(flags int, groups uint32) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, fmt.Errorf("open a socket of routing netlink: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err == nil {
		err = unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind a socket of routing netlink: %w", err)
	}
	return fd, nil
}

func (c *Conn) set() error {
	// An answer without a copy of the request is small, so that a whole batch's fit in the socket's buffer; the kernel's
	// own words about what was wrong, where it has any, come with it.
	for _, option := range []int{unix.NETLINK_CAP_ACK, unix.NETLINK_EXT_ACK} {
		if err := unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, option, 1); err != nil {
			return fmt.Errorf("set option %d of a netlink socket: %w", option, err)
		}
	}
	// So that the kernel leaves out of a dump what was not asked for; before Linux 4.20 it cannot.
	_ = unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: patience}); err != nil {
		return fmt.Errorf("set the time-out of a netlink socket: %w", err)
	}
	return nil
}

// Close closes the socket.
func (c *Conn) Close() error { return unix.Close(c.fd) }

// Index returns the index of the interface that the request names (unix.NewIfreq), which may be used again and again: by
// ioctl SIOCGIFINDEX, a microsecond and no allocation. There being none is unix.ENODEV.
func (c *Conn) Index(request *unix.Ifreq) (int, error) {
	if err := unix.IoctlIfreq(c.fd, unix.SIOCGIFINDEX, request); err != nil {
		return 0, err
	}
	return int(request.Uint32()), nil
}

// atOnce is how many requests go into one datagram: the answers to as many fit into the smallest receive buffer.
const atOnce = 64

// Execute sends a batch's requests, in their order, and waits for all answers, which the batch then holds. The error is one
// of the socket, not of a request; requests that got no answer because of it have it as theirs.
func (c *Conn) Execute(b *Batch) error {
	for i := range b.answers {
		b.answers[i] = errNoAnswer
	}
	for from := 0; from < b.Len(); from += atOnce {
		to := min(from+atOnce, b.Len())
		if err := c.execute(b, from, to); err != nil {
			return fmt.Errorf("change by netlink: %w", err)
		}
	}
	return nil
}

var errNoAnswer = errors.New("the kernel gave no answer")

func (c *Conn) execute(b *Batch, from, to int) error {
	first := c.sequence + 1
	c.sequence += uint32(to - from)
	for i := from; i < to; i++ {
		binary.NativeEndian.PutUint32(b.request(i)[8:], first+uint32(i-from))
	}
	if err := c.send(b.requests(from, to)); err != nil {
		return err
	}
	for open := to - from; open > 0; {
		data, err := c.receive()
		if err != nil {
			return err
		}
		for len(data) > 0 {
			m, rest, err := next(data)
			if err != nil {
				return err
			}
			data = rest
			if i := m.sequence - first; m.Type == unix.NLMSG_ERROR && i < uint32(to-from) {
				b.answers[from+int(i)] = m.answer()
				open--
			}
		}
	}
	return nil
}

// Get sends a request that is answered with one message, and returns its payload, which is good until the next call.
func (c *Conn) Get(kind uint16, payload []byte) ([]byte, error) {
	var answer []byte
	err := c.ask(kind, 0, payload, func(m Message) { answer = m.Payload })
	if err == nil && answer == nil {
		err = errNoAnswer
	}
	return answer, err
}

// Dump sends a request for all objects of a kind, and calls each for every one: its payload is good until each returns. When
// the kernel says that objects changed meanwhile, so that some may be missing, Dump calls reset and starts again.
func (c *Conn) Dump(kind uint16, payload []byte, reset func(), each func(Message)) error {
	const tries = 10
	for range tries {
		reset()
		err := c.ask(kind, unix.NLM_F_DUMP, payload, each)
		if !errors.Is(err, errInterrupted) {
			return err
		}
	}
	return fmt.Errorf("%w, %d times in a row", errInterrupted, tries)
}

// errInterrupted is NLM_F_DUMP_INTR.
var errInterrupted = errors.New("the kernel's table changed while it was read")

func (c *Conn) ask(kind, flags uint16, payload []byte, each func(Message)) error {
	c.sequence++
	request := encode(kind, unix.NLM_F_REQUEST|flags, payload)
	binary.NativeEndian.PutUint32(request[8:], c.sequence)
	if err := c.send(request); err != nil {
		return err
	}
	interrupted := false
	for {
		data, err := c.receive()
		if err != nil {
			return err
		}
		for len(data) > 0 {
			m, rest, err := next(data)
			if err != nil {
				return err
			}
			data = rest
			if m.sequence != c.sequence {
				continue // of a request whose answer nobody waited for
			}
			interrupted = interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
			switch {
			case m.Type == unix.NLMSG_DONE && interrupted:
				return errInterrupted
			case m.Type == unix.NLMSG_DONE:
				return nil
			case m.Type == unix.NLMSG_ERROR:
				return m.answer()
			}
			each(m)
			if m.flags&unix.NLM_F_MULTI == 0 {
				return nil
			}
		}
	}
}

func (c *Conn) send(data []byte) error {
	for {
		if _, err := unix.Write(c.fd, data); err != unix.EINTR {
			return err
		}
	}
}

func (c *Conn) receive() ([]byte, error) {
	for {
		n, err := unix.Read(c.fd, c.buffer)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return nil, errNoAnswer
		case err != nil:
			return nil, err
		case n == len(c.buffer):
			return nil, fmt.Errorf("an answer is larger than %d bytes", n)
		default:
			return c.buffer[:n], nil
		}
	}
}
