package ping

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"golang.org/x/net/icmp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A wire is an ICMP socket whose other end is the test's: answer returns what comes for each message that is sent. The
// tests of ring 1 need no privilege; those of real sockets are in ns_test.go.
type wire struct {
	family family
	answer func(sent message) []message

	mu     sync.Mutex
	sent   []message
	inbox  chan message
	closed chan struct{}
}

// A message is an ICMP message, from or to an address.
type message struct {
	icmp.Message
	address netip.Addr
	ttl     int
}

func newWire(f family, answer func(sent message) []message) *wire {
	return &wire{family: f, answer: answer, inbox: make(chan message, 100), closed: make(chan struct{})}
}

const wireID = 4711

func (w *wire) ID() uint16 { return wireID }

func (w *wire) ReadFrom(b []byte) (int, netip.Addr, error) {
	select {
	case m := <-w.inbox:
		raw, err := m.Marshal(nil)
		return copy(b, raw), m.address, err
	case <-w.closed:
		return 0, netip.Addr{}, net.ErrClosed
	}
}

func (w *wire) WriteTo(b []byte, to netip.Addr, ttl int) error {
	m, err := icmp.ParseMessage(w.family.protocol(), b)
	if err != nil {
		return err
	}
	sent := message{*m, to, ttl}
	w.mu.Lock()
	w.sent = append(w.sent, sent)
	w.mu.Unlock()
	for _, m := range w.answer(sent) {
		w.inbox <- m
	}
	return nil
}

func (w *wire) Close() error { close(w.closed); return nil }

// echo is the echo of a message.
func (m message) echo() *icmp.Echo { return m.Body.(*icmp.Echo) }

// reply returns the echo reply to a request, changed by f.
func (m message) reply(f func(m *message, e *icmp.Echo)) message {
	e := *m.echo()
	e.Data = slices.Clone(e.Data)
	r := message{Message: icmp.Message{Type: familyOf(m.address).reply(), Body: &e}, address: m.address}
	if f != nil {
		f(&r, &e)
	}
	return r
}

// replies answers every request.
func replies(m message) []message { return []message{m.reply(nil)} }

// nothing answers none.
func nothing(message) []message { return nil }

// newPinger returns a pinger on a wire of IPv4 and one of IPv6 with the same answers.
func newPinger(t testing.TB, answer func(message) []message) (*pinger, *wire) {
	t.Helper()
	var first *wire
	p, err := open(func(f family, _ sdk.Egress) (conn, error) {
		w := newWire(f, answer)
		if first == nil {
			first = w
		}
		return w, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, first
}

// ask probes a target once and returns the reason why it is down; "" is up.
func ask(t testing.TB, p *pinger, target sdk.Target, config string) string {
	t.Helper()
	c, err := sdk.Decode[Config](json.RawMessage(config))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), target.Schedule.Timeout)
	defer cancel()
	if err := p.Probe(ctx, target, c); err != nil {
		return err.Error()
	}
	return ""
}
