package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// listen returns a listener on loopback and the target for it.
func listen(t *testing.T, address string) (net.Listener, sdk.Target) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	return l, sdk.Target{ID: "t", Address: ap.Addr().Unmap(), Port: ap.Port()}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAServerThatAcceptsIsUp(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		_, target := listen(t, address)
		if err := probe(within(t, 5*time.Second), target, Config{}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAServerThatRefusesIsDownInTheSystemsWords(t *testing.T) {
	l, target := listen(t, "127.0.0.1")
	l.Close()
	err := probe(within(t, 5*time.Second), target, Config{})
	want := "connect " + netip.AddrPortFrom(target.Address, target.Port).String() + ": connection refused"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheConnectionIsResetSoThatNothingLingers(t *testing.T) {
	l, target := listen(t, "127.0.0.1")
	read := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			read <- err
			return
		}
		defer c.Close()
		time.Sleep(50 * time.Millisecond) // by then the probe is over
		_, err = c.Read(make([]byte, 1))
		read <- err
	}()
	if err := probe(within(t, 5*time.Second), target, Config{}); err != nil {
		t.Fatal(err)
	}
	if err := <-read; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server read %v, want a reset (an end of file is %v)", err, io.EOF)
	}
}

func TestAServerThatDoesNotAnswerIsDownAtItsTimeout(t *testing.T) {
	// A full accept queue makes the kernel drop the next connection's handshake: silence on loopback.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	target := sdk.Target{ID: "t", Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: uint16(sa.(*syscall.SockaddrInet4).Port),
		Schedule: sdk.Schedule{Timeout: 200 * time.Millisecond}}
	var full bool
	for range 8 {
		c, err := net.DialTimeout("tcp", netip.AddrPortFrom(target.Address, target.Port).String(), 100*time.Millisecond)
		if err != nil {
			full = true
			break
		}
		defer c.Close()
	}
	if !full {
		t.Fatal("the accept queue does not fill up")
	}
	start := time.Now()
	err = probe(within(t, 200*time.Millisecond), target, Config{})
	if want := "timeout after 200ms: connect " + netip.AddrPortFrom(target.Address, target.Port).String(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestATargetWithoutAnAddressIsDown(t *testing.T) {
	if err := probe(t.Context(), sdk.Target{ID: "t", Port: 80}, Config{}); err == nil {
		t.Error("it is up")
	}
	if err := probe(t.Context(), sdk.Target{ID: "t", Address: netip.MustParseAddr("127.0.0.1")}, Config{}); err == nil {
		t.Error("it is up")
	}
}
