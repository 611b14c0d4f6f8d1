package peercred

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pair returns both ends of a connection over a unix socket.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("unix", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func TestBothEndsKnowTheProcessAtTheOther(t *testing.T) {
	client, server := pair(t)
	want := Peer{PID: os.Getpid(), UID: os.Geteuid(), GID: os.Getegid()}
	for name, c := range map[string]net.Conn{"client": client, "server": server} {
		if got, err := Of(c); err != nil || got != want {
			t.Errorf("the %s's peer is %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestAPeerThatIsNotAcceptedIsCutOff(t *testing.T) {
	refuse := New(func(Peer) error { return errors.New("not you") })
	client, server := pair(t)
	if _, _, err := refuse.ServerHandshake(server); err == nil || err.Error() != "not you" {
		t.Errorf("the server's handshake says %v", err)
	}
	client.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still open: %v", err)
	}
	client, _ = pair(t)
	if _, _, err := refuse.ClientHandshake(t.Context(), "", client); err == nil || err.Error() != "not you" {
		t.Errorf("the client's handshake says %v", err)
	}
}

func TestAPeerThatIsAcceptedIsNamed(t *testing.T) {
	accept := New(func(Peer) error { return nil }).Clone()
	client, _ := pair(t)
	c, info, err := accept.ClientHandshake(t.Context(), "", client)
	if err != nil || c != client || info.AuthType() != "peercred" {
		t.Errorf("the handshake gives %v, %v, %v", c, info, err)
	}
}
