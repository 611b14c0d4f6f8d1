package ssh

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/crypto/ssh"

	"github.com/evenkeel/evenkeel/appliance/ssh/authorized"
)

// serve is a connection, from the first byte to the last.
func (s *Server) serve(ctx context.Context, c net.Conn, signer ssh.Signer) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	source := sourceOf(c.RemoteAddr())
	place := s.gate.enter(source, func() { c.Close() })
	if place == nil {
		return
	}
	_ = c.SetDeadline(time.Now().Add(s.limits.login)) // of a connection that has ended: seen below
	conn, channels, requests, err := ssh.NewServerConn(c, s.config(source, signer))
	closed := s.gate.leave(place, err == nil)
	if err != nil {
		s.knocks.log(s.Log, "a connection without a login", "from", c.RemoteAddr(), "error", authorized.Printable(err.Error()), "source", source, "closed_for", closed)
		return
	}
	_ = c.SetDeadline(time.Time{})
	g, _ := conn.Permissions.ExtraData[guestKey{}].(guest) // is always one
	log := s.Log.With("user", g.user, "by", g.by, "from", c.RemoteAddr())
	if s.inside.Add(1) > s.limits.guests {
		s.inside.Add(-1)
		log.Warn("a login was ended at once: too many are logged in", "most", s.limits.guests)
		return
	}
	defer s.inside.Add(-1)
	log.Info("logged in")
	defer log.Info("logged out")
	go ssh.DiscardRequests(requests) // forwarding of ports, and all others
	gone := make(chan struct{})
	defer close(gone)
	go s.ping(conn, gone)
	s.sessions(conn, g, log, channels)
}

// sessions serves the sessions of a connection, and returns when the last one has ended.
func (s *Server) sessions(conn ssh.Conn, g guest, log hclog.Logger, channels <-chan ssh.NewChannel) {
	var running sync.WaitGroup
	defer running.Wait()
	var open atomic.Int64
	for n := range channels {
		switch {
		case n.ChannelType() != "session":
			_ = n.Reject(ssh.Prohibited, "there are only sessions here, and nothing is forwarded")
			continue
		case open.Load() >= s.limits.channels:
			_ = n.Reject(ssh.ResourceShortage, "this connection has too many sessions")
			continue
		}
		channel, requests, err := n.Accept()
		if err != nil {
			return // the connection has ended
		}
		open.Add(1)
		running.Go(func() {
			defer open.Add(-1)
			v := &session{server: s, conn: conn, guest: g, log: log, channel: channel, env: environment(conn, g)}
			v.serve(requests)
		})
	}
}

// environment is what a program knows of who has started it. SSH_CLIENT and SSH_CONNECTION are those of ssh(1).
func environment(conn ssh.ConnMetadata, g guest) []string {
	host, port, _ := net.SplitHostPort(conn.RemoteAddr().String())
	local, localPort, _ := net.SplitHostPort(conn.LocalAddr().String())
	return []string{
		fmt.Sprintf("SSH_CLIENT=%s %s %s", host, port, localPort),
		fmt.Sprintf("SSH_CONNECTION=%s %s %s %s", host, port, local, localPort),
		fmt.Sprintf("%s=%s (%s) from %s", Operator, g.user, g.name, host),
	}
}

// Operator is the variable of the environment that says who has started a program by SSH.
const Operator = "EVENKEEL_OPERATOR"

// ping ends a connection whose other side does not answer any more: a cut line is not told by anybody.
func (s *Server) ping(conn ssh.Conn, gone <-chan struct{}) {
	for {
		answered := make(chan error, 1)
		go func() {
			_, _, err := conn.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		select {
		case err := <-answered:
			if err != nil {
				return // it has ended
			}
		case <-time.After(2 * s.limits.alive):
			conn.Close()
			return
		case <-gone:
			return
		}
		select {
		case <-time.After(s.limits.alive):
		case <-gone:
			return
		}
	}
}
