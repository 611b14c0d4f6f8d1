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
	return l, sdk.Target{ID: "t", Address: ap.Addr().Unmap(), Port: ap.Port(), Schedule: sdk.Schedule{Timeout: 5 * time.Second}}
}

// ways are both to connect, which say the same.
func ways(t *testing.T) map[string]func(sdk.Target) error {
	return map[string]func(sdk.Target) error{
		"one by one": func(target sdk.Target) error {
			return probe(within(t, target.Schedule.Timeout), target, Config{})
		},
		"all at once": func(target sdk.Target) error { return (&harness{connector: open(t)}).probe(0, target) },
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAServerThatAcceptsIsUp(t *testing.T) {
	for way, probe := range ways(t) {
		for _, address := range []string{"127.0.0.1", "::1"} {
			_, target := listen(t, address)
			if err := probe(target); err != nil {
				t.Errorf("%s, %s: %v", way, address, err)
			}
		}
		_, target := listen(t, "127.0.0.1")
		target.Address = netip.AddrFrom16(target.Address.As16())
		if err := probe(target); err != nil {
			t.Errorf("%s, IPv4 as IPv6: %v", way, err)
		}
	}
}

func TestAServerThatRefusesIsDownInTheSystemsWords(t *testing.T) {
	for way, probe := range ways(t) {
		l, target := listen(t, "127.0.0.1")
		l.Close()
		want := "connect " + netip.AddrPortFrom(target.Address, target.Port).String() + ": connection refused"
		if err := probe(target); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", way, err, want)
		}
	}
}

func TestTheConnectionIsResetSoThatNothingLingers(t *testing.T) {
	for way, probe := range ways(t) {
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
		if err := probe(target); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: the server read %v, want a reset (an end of file is %v)", way, err, io.EOF)
		}
	}
}

// deaf returns a target on loopback whose kernel drops handshakes, because its accept queue is full, and what lets them in.
func deaf(t *testing.T) (target sdk.Target, hear func()) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
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
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(sa.(*syscall.SockaddrInet4).Port))
	queued := 0
	for {
		c, err := net.DialTimeout("tcp", at.String(), 100*time.Millisecond)
		if err != nil {
			break
		}
		t.Cleanup(func() { c.Close() })
		if queued++; queued == 8 {
			t.Fatal("the accept queue does not fill up")
		}
	}
	return sdk.Target{ID: "t", Address: at.Addr(), Port: at.Port(), Schedule: sdk.Schedule{Timeout: 200 * time.Millisecond}}, func() {
		for range queued {
			if c, _, err := syscall.Accept(fd); err == nil {
				syscall.Close(c)
			}
		}
	}
}

func TestAServerThatDoesNotAnswerIsDownAtItsTimeout(t *testing.T) {
	for way, probe := range ways(t) {
		target, _ := deaf(t)
		start := time.Now()
		err := probe(target)
		if want := "timeout after 200ms: connect " + netip.AddrPortFrom(target.Address, target.Port).String(); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", way, err, want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: it took %v", way, d)
		}
	}
}

func TestATargetWithoutAnAddressIsDown(t *testing.T) {
	for _, target := range []sdk.Target{{Port: 80}, {Address: netip.MustParseAddr("127.0.0.1")}} {
		if err := probe(t.Context(), target, Config{}); err == nil {
			t.Error("it is up")
		}
	}
}
