// Package ssh lets a person into a box by SSH (RFC 4251 to 4254): with a terminal to the menu of its console, with words to a
// command of evenkeel. There is no SSH before the box has got a key or a password, and nothing but these two in it: no
// forwarding of ports, agents or screens, no file transfer, no command of others than evenkeel.
//
// Everybody may knock, so all that a stranger can use up has a bound (see gate), and what a guest starts ends with the
// connection (see process).
package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/crypto/ssh"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/ssh/authorized"
)

// A Server listens while there is a key or a password to log in with.
type Server struct {
	Listen         string           // address and port; "": port 22 of all addresses
	HostKey        string           // file of the box's own key; made at first use
	AuthorizedKeys string           // file of the keys that may log in, sshd(8); may be missing
	Password       console.Password // its file may be missing
	Program        []string         // evenkeel, which gets the words of a command as further arguments
	Menu           []string         // the words of a session without a command
	Log            hclog.Logger
	Ready          func(net.Addr) // called when it has begun to listen; may be nil

	limits limits // the zero one: usual
	keys   keyring
	gate   gate
	knocks knocks
	inside atomic.Int64 // connections that are logged in
	used   atomic.Int64 // sessions that run
	lookup sync.Mutex   // held while a password is looked at
}

// limits are the bounds on what somebody can use up.
type limits struct {
	look     time.Duration // how often the files are looked at
	login    time.Duration // for the login, of which a person spends most with the password
	pause    time.Duration // after a wrong password, before it is told
	rest     time.Duration // after a wrong password, before anybody's is looked at
	alive    time.Duration // how often the other side is asked whether it is there; it has twice that to answer
	hangup   time.Duration // from SIGHUP to SIGKILL for what a session has left; to undo a change must fit
	guests   int64         // connections that are logged in
	sessions int64         // programs that run, about 20 MB each
	channels int64         // sessions of a connection
}

var usual = limits{
	look: 2 * time.Second, login: time.Minute, pause: time.Second, rest: 200 * time.Millisecond, alive: 30 * time.Second,
	hangup: 10 * time.Second, guests: 16, sessions: 10, channels: 10,
}

// Run serves until ctx ends; then it hangs up and waits for what runs. What goes wrong is said and tried again.
func (s *Server) Run(ctx context.Context) error {
	if s.limits == (limits{}) {
		s.limits = usual
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	var open net.Listener
	defer func() {
		if open != nil {
			open.Close()
		}
	}()
	tick := time.NewTicker(s.limits.look)
	defer tick.Stop()
	said := ""
	for {
		wanted := s.wanted()
		switch {
		case wanted && open == nil:
			l, signer, err := s.listen()
			if err != nil {
				if err.Error() != said {
					said = err.Error()
					s.Log.Error("nobody can log in by SSH", "error", err)
				}
				break
			}
			open, said = l, ""
			s.Log.Info("listening", "address", l.Addr(), "host_key", Fingerprint(signer))
			serving.Go(func() { s.accept(ctx, l, signer, &serving) })
			if s.Ready != nil {
				s.Ready(l.Addr())
			}
		case !wanted && open != nil:
			open.Close()
			open = nil
			s.Log.Info("not listening any more: there is neither a key nor a password", "keys", s.AuthorizedKeys, "password", s.Password.Path)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// wanted says whether there is anything to log in with.
func (s *Server) wanted() bool { return len(s.allowed()) > 0 || s.hasPassword() }

func (s *Server) hasPassword() bool {
	_, err := os.Stat(s.Password.Path)
	return err == nil
}

// allowed are the keys that may log in now.
func (s *Server) allowed() map[string]authorized.Key {
	text, err := os.ReadFile(s.AuthorizedKeys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		text = nil
		s.keys.complain(s.Log, err)
	}
	return s.keys.read(s.Log, s.AuthorizedKeys, text)
}

func (s *Server) listen() (net.Listener, ssh.Signer, error) {
	signer, err := HostKey(s.HostKey)
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", cmp.Or(s.Listen, ":22"))
	if err != nil {
		return nil, nil, fmt.Errorf("listening for SSH: %w", err)
	}
	return l, signer, nil
}

// accept serves who comes, each on its own, until l is closed.
func (s *Server) accept(ctx context.Context, l net.Listener, signer ssh.Signer, serving *sync.WaitGroup) {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many open files, or a connection that has ended already: accept(2)
			time.Sleep(20 * time.Millisecond)
			continue
		}
		serving.Go(func() { s.serve(ctx, c, signer) })
	}
}
