package sdk

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// datagrams returns a target whose server does f with each datagram that it gets. sdktest has more of them, and imports
// this package.
func datagrams(t *testing.T, f func(c *net.UDPConn, request []byte, from netip.AddrPort)) Target {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for b := make([]byte, 1<<16); ; {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			f(c, b[:n], from)
		}
	}()
	at := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return Target{Address: at.Addr(), Port: at.Port(), Schedule: Schedule{Timeout: 100 * time.Millisecond}}
}

// exchange asks a target within its time-out; accept wants "pong".
func exchange(t *testing.T, target Target) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	b, err := Exchange(ctx, target, []byte("ping"), 10, func(b []byte) error {
		if !bytes.HasPrefix(b, []byte("pong")) {
			return errors.New("not a pong")
		}
		return nil
	})
	return string(b), err
}

func TestExchangeReturnsTheFirstDatagramThatIsTheAnswer(t *testing.T) {
	target := datagrams(t, func(c *net.UDPConn, request []byte, from netip.AddrPort) {
		c.WriteToUDPAddrPort([]byte("noise"), from)
		c.WriteToUDPAddrPort([]byte("pong to "+string(request)), from)
	})
	if got, err := exchange(t, target); got != "pong to pi" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestExchangeSaysInAFewWordsWhatIsWrong(t *testing.T) {
	silent := datagrams(t, func(*net.UDPConn, []byte, netip.AddrPort) {})
	other := datagrams(t, func(c *net.UDPConn, _ []byte, from netip.AddrPort) { c.WriteToUDPAddrPort([]byte("x"), from) })
	endless := datagrams(t, func(c *net.UDPConn, _ []byte, from netip.AddrPort) {
		for range 2 * maxIgnored {
			c.WriteToUDPAddrPort([]byte("x"), from)
		}
	})
	stranger, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	foreign := datagrams(t, func(_ *net.UDPConn, _ []byte, from netip.AddrPort) {
		stranger.WriteToUDPAddrPort([]byte("pong"), from)
	})
	closed := Target{Address: netip.MustParseAddr("127.0.0.1"), Port: 1}
	for _, tt := range []struct {
		name   string
		target Target
		want   string
	}{
		{"silence", silent, "no answer within 100ms"},
		{"another answer", other, "no answer within 100ms, and what came was none: not a pong"},
		{"another answer for ever", endless, "100 datagrams and none of them the answer: not a pong"},
		{"the answer from somebody else", foreign, "no answer within 100ms"},
		{"a closed port", closed, "127.0.0.1:1: port unreachable"},
		{"a closed port, IPv6", Target{Address: netip.IPv6Loopback(), Port: 1}, "[::1]:1: port unreachable"},
		{"no address", Target{}, "there is no address to connect to"},
		{"no port", Target{Address: closed.Address}, "there is no port of 127.0.0.1 to connect to"},
	} {
		_, err := exchange(t, tt.target)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got  %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

func TestASilenceIsTheContextsDeadlineAndAClosedPortIsNot(t *testing.T) {
	silent := datagrams(t, func(*net.UDPConn, []byte, netip.AddrPort) {})
	if _, err := exchange(t, silent); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence is %v", err)
	}
	closed := Target{Address: netip.MustParseAddr("127.0.0.1"), Port: 1}
	if _, err := exchange(t, closed); !errors.Is(err, ErrPortUnreachable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a closed port is %v", err)
	}
}

func TestExchangeEndsWithItsContext(t *testing.T) {
	silent := datagrams(t, func(*net.UDPConn, []byte, netip.AddrPort) {})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Exchange(ctx, silent, nil, 10, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
