package ssh

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/evenkeel/evenkeel/appliance/ssh/authorized"
)

// Users are the names that one may log in with. All are the same.
var Users = []string{"admin", "root"}

// passwords is how many of a connection are looked at.
const passwords = 3

// A guest is who has logged in.
type guest struct {
	user string
	by   string // "key SHA256:... comment" or "password"
	name string // the key's comment, or its fingerprint; "password"
}

// guestKey is where a login's Permissions have the guest.
type guestKey struct{}

func permit(g guest, from string) *ssh.Permissions {
	p := &ssh.Permissions{ExtraData: map[any]any{guestKey{}: g}}
	if from != "" {
		p.CriticalOptions = map[string]string{"source-address": from} // which the library checks
	}
	return p
}

// config is what a connection from a source is served with. What nobody can log in with is not offered.
func (s *Server) config(source netip.Prefix, signer ssh.Signer) *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-evenkeel",
		AuthLogCallback: func(conn ssh.ConnMetadata, method string, err error) {
			if err != nil && method == "password" {
				s.knocks.log(s.Log, "a login was refused", "user", authorized.Printable(conn.User()), "from", conn.RemoteAddr(), "error", err)
			}
		},
	}
	c.AddHostKey(signer)
	if len(s.allowed()) > 0 {
		c.PublicKeyCallback = s.byKey
	}
	if s.hasPassword() {
		tries := 0
		c.PasswordCallback = func(conn ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if tries++; tries > passwords {
				return nil, errors.New("too many passwords: this one was not looked at")
			}
			return s.byPassword(source, conn.User(), string(password))
		}
	}
	return c
}

func (s *Server) byKey(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	fingerprint := ssh.FingerprintSHA256(key)
	a, known := s.allowed()[string(key.Marshal())]
	switch {
	case !slices.Contains(Users, conn.User()):
		return nil, fmt.Errorf("key %s: there is no such user", fingerprint)
	case !known:
		return nil, fmt.Errorf("key %s is not one that may log in", fingerprint)
	}
	g := guest{user: conn.User(), by: strings.TrimSpace("key " + fingerprint + " " + a.Comment), name: a.Comment}
	if g.name == "" {
		g.name = fingerprint
	}
	return permit(g, a.From), nil
}

// byPassword looks at one password at a time, and rests after a wrong one: a flood gets a third of one processor, and others'
// real servers are checked meanwhile.
func (s *Server) byPassword(source netip.Prefix, user, password string) (*ssh.Permissions, error) {
	right, err := s.isPassword(password)
	switch {
	case err == nil && right && slices.Contains(Users, user):
		return permit(guest{user: user, by: "password", name: "password"}, ""), nil
	case err != nil:
		return nil, err
	}
	s.gate.wrong(source)
	time.Sleep(s.limits.pause)
	return nil, errors.New("this is not the password, or there is no such user")
}

func (s *Server) isPassword(password string) (bool, error) {
	s.lookup.Lock()
	defer s.lookup.Unlock()
	right, err := s.Password.Is(password)
	if !right {
		time.Sleep(s.limits.rest)
	}
	return right, err
}
