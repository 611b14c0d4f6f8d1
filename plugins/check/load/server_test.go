package load

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// keyFile makes a key and writes it into a folder.
func keyFile(t *testing.T, dir, name string) (path string, signer ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if signer, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	return path, signer
}

// A server is the simplest one that speaks SSH: it lets everybody in and says the same to every command.
type server struct {
	listener             net.Listener
	key, known           string // files
	command, user, wrong string // what was run, by whom; what it refuses to do
	mu                   sync.Mutex
}

func newServer(t *testing.T, says string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{known: filepath.Join(dir, "known_hosts")}
	s.key, _ = keyFile(t, dir, "key")
	_, host := keyFile(t, dir, "host")
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, _ ssh.PublicKey) (*ssh.Permissions, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.user = c.User()
		return nil, nil
	}}
	config.AddHostKey(host)
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	sdktest.File(t, s.known, knownLine(s.listener.Addr(), host))
	var serving sync.WaitGroup
	t.Cleanup(func() { s.listener.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(c, config, says) })
		}
	})
	return s
}

func (s *server) serve(c net.Conn, config *ssh.ServerConfig, says string) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		if s.wrong == "session" {
			n.Reject(ssh.Prohibited, "no sessions here")
			continue
		}
		channel, requests, err := n.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			if r.Type != "exec" {
				continue
			}
			r.Reply(s.wrong != "exec", nil)
			if s.wrong == "exec" {
				continue
			}
			s.mu.Lock()
			s.command = string(r.Payload[4:])
			s.mu.Unlock()
			io.WriteString(channel, says)
			if s.wrong != "silent" {
				channel.Close()
			}
		}
	}
}

// target is the server as a target, with the port in the configuration.
func (s *server) target() sdk.Target {
	t := sdktest.TargetAt(s.listener.Addr())
	t.Config = []byte(s.config(""))
	t.Port = 80 // the real server's service
	return t
}

// config is the configuration for the server, with more before its block.
func (s *server) config(more string) string { return configAt(s.listener.Addr(), s.key, s.known, more) }

func configAt(at net.Addr, key, known, more string) string {
	return fmt.Sprintf(`{%s"high":2,"ssh":{"user":"evenkeel","private_key_file":%q,"known_hosts_file":%q,"port":%d}}`,
		more, key, known, at.(*net.TCPAddr).Port)
}

// knownLine is a line of a file of known hosts.
func knownLine(at net.Addr, host ssh.Signer) string {
	return knownhosts.Line([]string{at.String()}, host.PublicKey()) + "\n"
}
