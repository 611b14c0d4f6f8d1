package ssh

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/kballard/go-shellquote"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/ssh/authorized"
)

// longestCommand is a bound on a command, in bytes. Evenkeel's are a line.
const longestCommand = 4096

// Exit statuses of a session whose program was not started, as a shell has them.
const (
	notUnderstood = 2
	notStarted    = 127
)

// A session is a program that somebody runs (RFC 4254 section 6).
type session struct {
	server  *Server
	conn    ssh.Conn
	guest   guest
	log     hclog.Logger
	channel ssh.Channel
	env     []string
	window  *unix.Winsize // of the terminal; nil: there is none
	tty     *os.File      // the terminal of the program that runs; nil: there is none
}

// serve answers the requests of a session, and returns when it has ended and nothing of it runs any more.
func (s *session) serve(requests <-chan *ssh.Request) {
	gone := make(chan struct{})
	ended := make(chan struct{})
	started := false
	for r := range requests {
		done := false
		switch r.Type {
		case "pty-req":
			done = !started && s.window == nil && s.terminal(r.Payload)
		case "window-change":
			done = s.resize(r.Payload)
		case "shell", "exec":
			if started {
				break
			}
			// The answer goes before all that the program writes, and before its end.
			if r.WantReply {
				_ = r.Reply(true, nil)
			}
			started = true
			s.start(r, gone, ended)
			continue
		}
		if r.WantReply {
			_ = r.Reply(done, nil) // that the connection has ended is seen by range
		}
	}
	close(gone)
	if started {
		<-ended
	}
	s.channel.Close()
}

// start starts the program of a session. ended is closed when nothing of it runs any more.
func (s *session) start(r *ssh.Request, gone <-chan struct{}, ended chan<- struct{}) {
	refuse := func(status uint32, format string, a ...any) {
		fmt.Fprintf(s.channel.Stderr(), "evenkeel: "+format+"\r\n", a...)
		s.exit(status)
		close(ended)
	}
	var exec struct{ Command string }
	if r.Type == "exec" {
		if err := ssh.Unmarshal(r.Payload, &exec); err != nil {
			refuse(notUnderstood, "this is no command")
			return
		}
	}
	words, err := split(exec.Command)
	if err != nil {
		s.log.Warn("a command was not understood", "command", authorized.Printable(exec.Command), "error", err)
		refuse(notUnderstood, "%v", err)
		return
	}
	if len(words) == 0 {
		words = s.server.Menu
	}
	if s.server.used.Add(1) > s.server.limits.sessions {
		s.server.used.Add(-1)
		s.log.Warn("a session was refused: too many run", "most", s.server.limits.sessions)
		refuse(notStarted, "too many sessions run on this box: log out of one")
		return
	}
	p, err := s.program(words)
	if err != nil {
		s.server.used.Add(-1)
		s.log.Error("a session was not started", "error", err)
		refuse(notStarted, "%v", err)
		return
	}
	s.log.Info("runs", "command", authorized.Printable(strings.Join(words, " ")))
	s.tty = p.tty
	go func() {
		defer close(ended)
		defer s.server.used.Add(-1)
		s.end(p.run(s.channel, gone, s.server.limits.hangup))
	}()
}

// split makes words of a command, as a shell does; but it is none, and nothing but quotes means anything. "evenkeel" before
// them may be written.
func split(command string) ([]string, error) {
	switch {
	case len(command) > longestCommand:
		return nil, fmt.Errorf("the command is too long: it has %d bytes, and %d are enough", len(command), longestCommand)
	case strings.ContainsRune(command, 0):
		return nil, errors.New("the command has a zero byte in it")
	}
	words, err := shellquote.Split(command)
	if err != nil {
		return nil, fmt.Errorf("splitting the command into words: %w", err)
	}
	if len(words) > 0 && words[0] == "evenkeel" {
		words = words[1:]
	}
	return words, nil
}

// widest is the largest terminal: what draws on one makes room for all of it. The client says what it likes.
const widest = 1000

func clamp(n uint32) uint16 { return uint16(min(n, widest)) }

// terminal is pty-req, RFC 4254 section 6.2. Its modes are those of every new terminal, whatever is wished.
func (s *session) terminal(payload []byte) bool {
	var r struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	if ssh.Unmarshal(payload, &r) != nil {
		return false
	}
	s.window = &unix.Winsize{Col: clamp(r.Columns), Row: clamp(r.Rows)}
	if isTerm(r.Term) {
		s.env = append(s.env, "TERM="+r.Term)
	}
	return true
}

// isTerm says whether a text can be the name of a kind of terminal: programs look for a file that is called so.
func isTerm(name string) bool {
	return name != "" && len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_+", r)
	}) < 0
}

// resize is window-change, RFC 4254 section 6.7.
func (s *session) resize(payload []byte) bool {
	var r struct{ Columns, Rows, Width, Height uint32 }
	if s.window == nil || ssh.Unmarshal(payload, &r) != nil {
		return false
	}
	s.window.Col, s.window.Row = clamp(r.Columns), clamp(r.Rows)
	if s.tty == nil {
		return true
	}
	return setWindow(s.tty, s.window) == nil
}

// end tells how a program has ended, RFC 4254 section 6.10.
func (s *session) end(status syscall.WaitStatus) {
	if !status.Signaled() {
		s.exit(uint32(status.ExitStatus()))
		return
	}
	signal := struct {
		Name    string
		Core    bool
		Message string
		Lang    string
	}{Name: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"), Core: status.CoreDump()}
	_, _ = s.channel.SendRequest("exit-signal", false, ssh.Marshal(signal)) // nobody may be there
	s.channel.Close()
}

func (s *session) exit(status uint32) {
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status})) // nobody may be there
	s.channel.Close()
}
