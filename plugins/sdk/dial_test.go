package sdk

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// listening returns a target that listens on loopback, and its listener.
func listening(t *testing.T) (Target, *net.TCPListener) {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	at := l.Addr().(*net.TCPAddr).AddrPort()
	return Target{Address: at.Addr(), Port: at.Port(), Schedule: Schedule{Timeout: 50 * time.Millisecond}}, l
}

func TestDialConnectsAndClosingResets(t *testing.T) {
	target, l := listening(t)
	c, err := Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c.Close()
	if _, err := io.ReadAll(server); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server saw %v, should be a reset: no TIME_WAIT is left here", err)
	}
}

func TestDialSaysInAFewWordsWhatIsWrong(t *testing.T) {
	refused, l := listening(t)
	l.Close()
	full, l := listening(t) // a backlog that is full answers nothing
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { syscall.Listen(int(fd), 0) }); err != nil {
		t.Fatal(err)
	}
	fill, err := Dial(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	defer fill.Close()

	at := func(t Target) string { return netip.AddrPortFrom(t.Address, t.Port).String() }
	for _, tt := range []struct {
		target Target
		want   string
	}{
		{refused, "connect " + at(refused) + ": connection refused"},
		{full, "timeout after 50ms: connect " + at(full)},
		{Target{}, "there is no address to connect to"},
		{Target{Address: refused.Address}, "there is no port of 127.0.0.1 to connect to"},
		{Target{Address: netip.MustParseAddr("255.255.255.255"), Port: 1}, "connect 255.255.255.255:1: network is unreachable"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		c, err := Dial(ctx, tt.target)
		cancel()
		if err == nil {
			c.Close()
			t.Errorf("%s: no error", tt.want)
		} else if err.Error() != tt.want {
			t.Errorf("got  %q\nwant %q", err, tt.want)
		}
	}
}

func TestATimeoutErrorIsTheContexts(t *testing.T) {
	if !errors.Is(&TimeoutError{}, context.DeadlineExceeded) {
		t.Error("it is not")
	}
}
