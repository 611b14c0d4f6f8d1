package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/evenkeel/evenkeel/image/lab/wire"
)

// A session is the host's end of the line to an agent: it starts processes and hands each what the agent says about it.
type session struct {
	name string
	conn *wire.Conn

	mu        sync.Mutex
	last      uint32
	processes map[uint32]*Process
	broken    error // set when the line has ended
}

func newSession(name string, line io.ReadWriter) *session {
	return &session{name: name, conn: wire.Host(line), processes: map[uint32]*Process{}}
}

// greet waits for the agent's first word.
func (s *session) greet() (wire.Greeting, error) {
	var g wire.Greeting
	f, err := s.conn.Receive()
	if err != nil {
		return g, fmt.Errorf("%s: %w", s.name, lost(err))
	}
	if f.Kind != wire.Hello {
		return g, fmt.Errorf("%s: its agent began with a frame of kind %d", s.name, f.Kind)
	}
	return g, f.Decode(&g)
}

// serve hands out what the agent says until the line ends, and returns why. Every process that has not ended by then gets
// that as its error.
func (s *session) serve() error {
	err := s.receive()
	s.mu.Lock()
	s.broken = err
	left := s.processes
	s.processes = nil
	s.mu.Unlock()
	for _, p := range left {
		p.end(-1, fmt.Errorf("%s: %w", p.name, err))
	}
	return err
}

func (s *session) receive() error {
	for {
		f, err := s.conn.Receive()
		if err != nil {
			return lost(err)
		}
		s.mu.Lock()
		p := s.processes[f.Process]
		s.mu.Unlock()
		if p == nil {
			continue
		}
		switch f.Kind {
		case wire.Output:
			_, _ = p.Write(f.Body) // whoever wants a copy and can't take it has lost it
		case wire.Exit:
			var e wire.Ended
			if err := f.Decode(&e); err != nil {
				return err
			}
			s.forget(f.Process)
			var failed error
			if e.Error != "" {
				failed = fmt.Errorf("%s: %s", p.name, e.Error)
			}
			p.end(e.Code, failed)
		}
	}
}

func lost(err error) error {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, os.ErrClosed, syscall.ECONNRESET} {
		if errors.Is(err, end) {
			return errors.New("the machine is gone")
		}
	}
	return err
}

func (s *session) forget(id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.processes, id)
}

// start starts a program; stdin nil means that it reads /dev/null.
func (s *session) start(output io.Writer, stdin []byte, argv []string) (*Process, error) {
	p := newProcess(s.name+": "+strings.Join(argv[:min(len(argv), 3)], " "), output)
	s.mu.Lock()
	if s.broken != nil {
		defer s.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", p.name, s.broken)
	}
	s.last++
	id := s.last
	s.processes[id] = p
	s.mu.Unlock()
	p.signal = func(sig syscall.Signal, group bool) error {
		return s.conn.Send(wire.Signal, id, wire.Kill{Signal: int(sig), Group: group})
	}
	err := s.conn.Send(wire.Exec, id, wire.Command{Argv: argv, Stdin: stdin != nil})
	if err == nil && stdin != nil {
		if err = s.conn.Send(wire.Stdin, id, stdin); err == nil {
			err = s.conn.Send(wire.CloseStdin, id, nil)
		}
	}
	if err != nil {
		s.forget(id)
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return p, nil
}
