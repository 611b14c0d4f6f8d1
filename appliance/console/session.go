package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/forms"
)

// A session is the program that draws forms, while it runs.
type session struct {
	terminal File
	settings *unix.Termios // of the terminal, as they were before
	command  *exec.Cmd
	conn     *forms.Conn
	requests *os.File         // to the program
	replies  chan forms.Reply // with room for a last word that nobody waits for
	nonsense error            // why replies ended, after it is closed
	gone     context.Context  // ends with the program
}

// The program's time to start, which is long on a machine that has just started itself, and to end.
const (
	startTime = 20 * time.Second
	endTime   = 2 * time.Second
)

// startSession starts the program at path on a terminal.
func startSession(ctx context.Context, term File, path string, env []string, ascii bool) (*session, error) {
	settings, err := term.settings()
	if err != nil {
		return nil, err
	}
	theirs, requests, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe to %s: %w", path, err)
	}
	replies, itsReplies, err := os.Pipe()
	if err != nil {
		theirs.Close()
		requests.Close()
		return nil, fmt.Errorf("making a pipe from %s: %w", path, err)
	}
	s := &session{terminal: term, settings: settings, requests: requests, conn: forms.NewConn(replies, requests), replies: make(chan forms.Reply, 4)}
	s.command = exec.Command(path)
	if ascii {
		s.command.Args = append(s.command.Args, "--ascii")
	}
	s.command.Env = env
	s.command.Stdin, s.command.Stdout = term.In, term.Out
	s.command.ExtraFiles = []*os.File{theirs, itsReplies}
	err = s.command.Start()
	theirs.Close()
	itsReplies.Close()
	if err != nil {
		requests.Close()
		replies.Close()
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	var end context.CancelFunc
	s.gone, end = context.WithCancel(context.WithoutCancel(ctx))
	go s.listen(replies, end)
	start, stop := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("%s has not started within %s", path, startTime))
	defer stop()
	switch ready, err := s.receive(start); {
	case err != nil:
		s.close()
		return nil, err
	case ready.Kind != forms.Ready || ready.Version != forms.Version:
		s.close()
		return nil, fmt.Errorf("%s is of another version than this program", path)
	}
	return s, nil
}

// listen takes the replies until they end.
func (s *session) listen(replies *os.File, end func()) {
	defer replies.Close()
	defer end()
	for {
		var r forms.Reply
		if s.nonsense = s.conn.Receive(&r); s.nonsense != nil {
			close(s.replies)
			return
		}
		s.replies <- r
	}
}

// receive waits for a reply.
func (s *session) receive(ctx context.Context) (forms.Reply, error) {
	select {
	case <-ctx.Done():
		return forms.Reply{}, context.Cause(ctx)
	case r, ok := <-s.replies:
		switch {
		case ok:
			return r, nil
		case errors.Is(s.nonsense, io.EOF):
			return r, errors.New("the program has gone")
		}
		return r, s.nonsense
	}
}

// request asks for a reply.
func (s *session) request(ctx context.Context, q forms.Request) (forms.Reply, error) {
	select {
	case r, ok := <-s.replies: // the person did not wait for the question
		if ok && (r.Kind == forms.Lines || r.Kind == forms.Leave) {
			return r, nil
		}
		if ok {
			return r, fmt.Errorf("it said %q before it was asked", r.Kind)
		}
	default:
	}
	if err := s.conn.Send(q); err != nil {
		// It has gone; its last word, if there is one, says why.
		if r, err := s.receive(ctx); err == nil && (r.Kind == forms.Lines || r.Kind == forms.Leave) {
			return r, nil
		}
		return forms.Reply{}, errors.New("the program has gone")
	}
	r, err := s.receive(ctx)
	if err != nil {
		return r, err
	}
	return r, r.To(q)
}

// restore is what brings a terminal back on which a program has drawn: the ordinary screen, the cursor, no colours, pasting as it
// was (xterm's ctlseqs).
const restore = "\x1b[0m\x1b[?1049l\x1b[?25h\x1b[?2004l\r\n"

// close ends the program, and sees to it that the terminal is as it was.
func (s *session) close() {
	s.requests.Close()
	go func() { // what nobody waits for any more
		for range s.replies {
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- s.command.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-time.After(endTime):
		_ = s.command.Process.Kill() // it may have ended just now
		err = <-ended
	}
	set := s.terminal.set
	if err != nil { // half an answer may still be there, that nobody has seen
		set = s.terminal.flush
	}
	_ = set(s.settings) // of a terminal that has gone, nobody needs them
	if err != nil {
		_, _ = io.WriteString(s.terminal, restore)
	}
}
