package ping

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/icmp"
)

// A conn is an ICMP socket of one family.
type conn interface {
	// ReadFrom reads one ICMP message, without the header of IP, and who has sent it.
	ReadFrom(b []byte) (int, netip.Addr, error)
	// WriteTo sends one ICMP message. It is never called concurrently.
	WriteTo(b []byte, to netip.Addr, ttl int) error
	// ID is the identifier of the socket's echo requests.
	ID() uint16
	Close() error
}

// echoes are the echo requests of one family that wait for a reply.
type echoes struct {
	family family
	conn   conn
	ended  chan struct{} // the reader has returned

	write sync.Mutex

	mu      sync.Mutex
	last    uint16
	waiting map[uint16]*request // by sequence number
}

func newEchoes(f family, c conn) *echoes {
	var first [2]byte
	rand.Read(first[:]) // never fails
	e := &echoes{family: f, conn: c, ended: make(chan struct{}), last: binary.BigEndian.Uint16(first[:]), waiting: make(map[uint16]*request)}
	go e.read()
	return e
}

func (e *echoes) close() error {
	err := e.conn.Close()
	<-e.ended
	return err
}

// maxMessage is the length of the longest ICMP message, in bytes.
const maxMessage = 1 << 16

// read reads replies until the socket is closed.
func (e *echoes) read() {
	defer close(e.ended)
	b := make([]byte, maxMessage)
	for {
		n, from, err := e.conn.ReadFrom(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // of one packet; should it be of the socket, then this is no busy loop
			time.Sleep(time.Millisecond)
		default:
			e.take(b[:n], from)
		}
	}
}

// take hands a message to the request that it replies to. What is no reply, or somebody else's, counts for nothing: type,
// identifier, sequence number, sender and all of the data must be those of a request that waits.
func (e *echoes) take(b []byte, from netip.Addr) {
	m, err := icmp.ParseMessage(e.family.protocol(), b)
	if err != nil || m.Type != e.family.reply() {
		return
	}
	echo, ok := m.Body.(*icmp.Echo)
	if !ok || echo.ID != int(e.conn.ID()) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.waiting[uint16(echo.Seq)]
	if r == nil || r.to.WithZone("") != from.WithZone("") || !bytes.Equal(r.data, echo.Data) {
		return
	}
	select {
	case r.replied <- struct{}{}:
	default:
	}
}

// nonceBytes is how many random bytes the data of a request begins with.
const nonceBytes = 16

// A request is what one probe sends, once or several times, each with a sequence number of its own.
type request struct {
	echoes  *echoes
	to      netip.Addr
	data    []byte
	sent    []uint16
	replied chan struct{}
}

// request makes a request with so many bytes of data, which no other one has.
func (e *echoes) request(to netip.Addr, size int) *request {
	r := &request{echoes: e, to: to, data: make([]byte, size), replied: make(chan struct{}, 1)}
	rand.Read(r.data[:nonceBytes])
	return r
}

// send sends the request once more.
func (r *request) send(ttl int) error {
	e := r.echoes
	sequence, err := e.enter(r)
	if err != nil {
		return err
	}
	m := icmp.Message{Type: e.family.request(), Body: &icmp.Echo{ID: int(e.conn.ID()), Seq: int(sequence), Data: r.data}}
	b, err := m.Marshal(nil) // for IPv6 the kernel makes the checksum: RFC 3542, section 3.1
	if err != nil {
		return err
	}
	e.write.Lock()
	defer e.write.Unlock()
	return e.conn.WriteTo(b, r.to, ttl)
}

// enter gives a request the next sequence number that nobody has.
func (e *echoes) enter(r *request) (uint16, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for range 1 << 16 {
		e.last++
		if e.waiting[e.last] == nil {
			e.waiting[e.last] = r
			r.sent = append(r.sent, e.last)
			return e.last, nil
		}
	}
	return 0, errors.New("too many wait for their reply")
}

// end forgets the request: replies that come later count for nothing.
func (r *request) end() {
	r.echoes.mu.Lock()
	defer r.echoes.mu.Unlock()
	for _, sequence := range r.sent {
		delete(r.echoes.waiting, sequence)
	}
}
