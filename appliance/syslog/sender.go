package syslog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// A Sender sends messages to one server. Until it is connected they wait, as many as it has room for; then the oldest are
// dropped, and the server is told how many.
type Sender struct {
	Server config.Syslog
	Host   string // this box's name
	Room   int    // messages that may wait
	// Dial connects; nil: by the server's protocol.
	Dial func(ctx context.Context) (net.Conn, error)

	mu      sync.Mutex
	queue   []Message
	dropped int
	wake    chan struct{}
	problem error
}

// NewSender returns a sender with room for so many messages.
func NewSender(server config.Syslog, host string, room int) *Sender {
	return &Sender{Server: server, Host: host, Room: room, wake: make(chan struct{}, 1)}
}

// Add hands over a message. It never waits.
func (s *Sender) Add(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == s.Room {
		s.queue = s.queue[1:]
		s.dropped++
	}
	s.queue = append(s.queue, m)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Problem says why messages do not get through; nil: they do, as far as is known. Of UDP little is known.
func (s *Sender) Problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// Pauses between two tries to connect.
const (
	firstPause = time.Second
	lastPause  = time.Minute
	patience   = 10 * time.Second // of connecting, and of a message
)

// Run sends until ctx ends. What waits then is tried for a moment more.
func (s *Sender) Run(ctx context.Context) error {
	pause := firstPause
	for ctx.Err() == nil {
		sent, err := s.session(ctx)
		if sent {
			pause = firstPause
		}
		s.mu.Lock()
		s.problem = err
		s.mu.Unlock()
		if err == nil {
			return nil
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
		case <-t.C:
		}
		pause = min(pause*2, lastPause)
	}
	return nil
}

// session is one connection. sent says whether anything got through; the error is nil when ctx has ended.
func (s *Sender) session(ctx context.Context) (sent bool, err error) {
	dial := s.Dial
	if dial == nil {
		dial = s.dial
	}
	dctx, cancel := context.WithTimeout(ctx, patience)
	conn, err := dial(dctx)
	cancel()
	if err != nil {
		if ctx.Err() != nil {
			return false, nil
		}
		return false, fmt.Errorf("syslog server %s: %w", s.address(), err)
	}
	defer conn.Close()
	gone := make(chan struct{})
	if s.Server.Protocol != "udp" {
		// A server never says anything: what is read is that the connection is over, before messages go into nowhere.
		go func() {
			defer close(gone)
			_, _ = conn.Read(make([]byte, 1))
		}()
	}
	s.mu.Lock()
	s.problem = nil
	s.mu.Unlock()
	for {
		m, ok := s.next()
		if !ok {
			select {
			case <-ctx.Done():
				return sent, nil
			case <-gone:
				return sent, fmt.Errorf("syslog server %s has closed the connection", s.address())
			case <-s.wake:
			}
			continue
		}
		if err := s.send(conn, m); err != nil {
			s.back(m)
			return sent, fmt.Errorf("syslog server %s: %w", s.address(), err)
		}
		sent = true
	}
}

// next takes the oldest message; after some were dropped, first of all how many.
func (s *Sender) next() (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped > 0 {
		m := Message{Time: time.Now(), Facility: 5, Severity: 4, Program: "syslog", Text: fmt.Sprintf("%d messages were dropped here: this server was away for too long", s.dropped)}
		s.dropped = 0
		return m, true
	}
	if len(s.queue) == 0 {
		return Message{}, false
	}
	m := s.queue[0]
	s.queue = s.queue[1:]
	return m, true
}

// back puts a message that was not sent before the others.
func (s *Sender) back(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == s.Room {
		s.dropped++
		return
	}
	s.queue = append([]Message{m}, s.queue...)
}

// send writes one message: in UDP a datagram (RFC 5426), else with its length before it (RFC 6587 section 3.4.1, RFC 5425).
func (s *Sender) send(conn net.Conn, m Message) error {
	b := m.Format(s.Host)
	if s.Server.Protocol != "udp" {
		b = append(fmt.Appendf(nil, "%d ", len(b)), b...)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := conn.Write(b)
	return err
}

func (s *Sender) address() string {
	return net.JoinHostPort(s.Server.Host, strconv.Itoa(int(s.Server.Port)))
}

func (s *Sender) dial(ctx context.Context) (net.Conn, error) {
	d := &net.Dialer{KeepAlive: 30 * time.Second}
	switch s.Server.Protocol {
	case "udp", "tcp":
		return d.DialContext(ctx, s.Server.Protocol, s.address())
	}
	c := &tls.Config{ServerName: s.Server.Host, MinVersion: tls.VersionTLS12}
	if s.Server.CAFile != "" {
		text, err := os.ReadFile(s.Server.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New(s.Server.CAFile + " has no certificate")
		}
	}
	return (&tls.Dialer{NetDialer: d, Config: c}).DialContext(ctx, "tcp", s.address())
}
