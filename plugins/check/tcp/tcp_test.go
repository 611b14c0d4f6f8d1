package tcp

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
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
func ways(t *testing.T) map[string]func(sdk.Target) string {
	return map[string]func(sdk.Target) string{
		"one by one": func(target sdk.Target) string { return sdktest.Ask(t, Plugin(), target, `{}`, target.Schedule.Timeout) },
		"all at once": func(target sdk.Target) string {
			return sdktest.AskBySchedule(t, Plugin(), target, `{}`, target.Schedule.Timeout)
		},
	}
}

func TestAServerThatAcceptsIsUp(t *testing.T) {
	for way, probe := range ways(t) {
		for _, address := range []string{"127.0.0.1", "::1"} {
			_, target := listen(t, address)
			if got := probe(target); got != "" {
				t.Errorf("%s, %s: %s", way, address, got)
			}
		}
		_, target := listen(t, "127.0.0.1")
		target.Address = netip.AddrFrom16(target.Address.As16())
		if got := probe(target); got != "" {
			t.Errorf("%s, IPv4 as IPv6: %s", way, got)
		}
	}
}

func TestAServerThatRefusesIsDownInTheSystemsWords(t *testing.T) {
	for way, probe := range ways(t) {
		l, target := listen(t, "127.0.0.1")
		l.Close()
		want := "connect " + netip.AddrPortFrom(target.Address, target.Port).String() + ": connection refused"
		if got := probe(target); got != want {
			t.Errorf("%s: got %q, want %q", way, got, want)
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
		if got := probe(target); got != "" {
			t.Fatal(got)
		}
		if err := <-read; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: the server read %v, want a reset (an end of file is %v)", way, err, io.EOF)
		}
	}
}

func TestAServerThatDoesNotAnswerIsDownAtItsTimeout(t *testing.T) {
	for way, probe := range ways(t) {
		address, _ := sdktest.Deaf(t)
		target := sdktest.TargetAt(address)
		target.Schedule.Timeout = 200 * time.Millisecond
		start := time.Now()
		if got, want := probe(target), "timeout after 200ms: connect "+address.String(); got != want {
			t.Errorf("%s: got %q, want %q", way, got, want)
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
