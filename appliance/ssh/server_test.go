package ssh

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func (b *box) listens() bool {
	c, err := net.Dial("tcp", b.at.String())
	if err == nil {
		c.Close()
	}
	return err == nil
}

func TestNobodyIsListenedToBeforeThereIsAKeyOrAPassword(t *testing.T) {
	b := newBox(t)
	b.writeKeys("# nobody yet\n\nssh-ed25519 nonsense\n")
	b.run()
	b.log.has(t, "authorized_keys:3")
	select {
	case a := <-b.addr:
		t.Fatalf("it listens at %v", a)
	case <-time.After(20 * quick.look):
	}
	if _, err := os.Stat(b.s.HostKey); !os.IsNotExist(err) {
		t.Errorf("there is a host key that nobody needs: %v", err)
	}
	b.setPassword("correct horse")
	b.ready()
	if err := os.Remove(b.s.Password.Path); err != nil {
		t.Fatal(err)
	}
	b.log.has(t, "not listening any more")
	if b.listens() {
		t.Error("without a key and a password it listens")
	}
	k := newKey(t)
	b.writeKeys(line(k))
	b.ready()
	b.client(k)
}

func TestAKeyThatIsTakenAwayLogsInNoMore(t *testing.T) {
	b, k := withKey(t)
	b.client(k)
	b.writeKeys(line(newKey(t)))
	if c, err := b.dial("admin", ssh.PublicKeys(k)); err == nil {
		c.Close()
		t.Error("it logs in")
	}
}

func TestTheHostKeyIsMadeOnceAndRootsAlone(t *testing.T) {
	b, k := withKey(t)
	var seen []string
	look := func() {
		c, err := ssh.Dial("tcp", b.at.String(), &ssh.ClientConfig{User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(k)},
			HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
				seen = append(seen, ssh.FingerprintSHA256(key))
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	look()
	info, err := os.Stat(b.s.HostKey)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the host key: %v %v", info, err)
	}
	b.stop()
	b.ended = make(chan struct{})
	b.run()
	b.ready()
	look()
	key, err := HostKey(b.s.HostKey)
	if err != nil || len(seen) != 2 || seen[0] != seen[1] || Fingerprint(key) != seen[0] || key.PublicKey().Type() != "ssh-ed25519" {
		t.Errorf("the box has shown %v, its key is %v, %v", seen, key, err)
	}
	b.log.has(t, seen[0])
}

func TestADamagedHostKeyIsSaidAndNotReplaced(t *testing.T) {
	b := newBox(t)
	b.setPassword("x")
	if err := os.MkdirAll(b.dir+"/ssh", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.s.HostKey, []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run()
	b.log.has(t, "is damaged")
	time.Sleep(5 * quick.look)
	if n := strings.Count(b.log.String(), "is damaged"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	if err := os.Remove(b.s.HostKey); err != nil {
		t.Fatal(err)
	}
	b.ready()
}

func TestAPortThatIsTakenIsTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t)
	b.s.Listen = l.Addr().String()
	b.setPassword("x")
	b.run()
	b.log.has(t, "address already in use")
	l.Close()
	b.ready()
}
