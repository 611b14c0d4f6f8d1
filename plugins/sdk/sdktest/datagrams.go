package sdktest

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Answers is a real server on loopback that speaks UDP: answer returns the datagrams that it sends when it has got one.
// It ends with the test.
func Answers(t testing.TB, answer func(request []byte) [][]byte) sdk.Target {
	t.Helper()
	c := datagramSocket(t)
	serve(t, c, func(request []byte, from netip.AddrPort) bool {
		for _, b := range answer(request) {
			if _, err := c.WriteToUDPAddrPort(b, from); err != nil {
				return false
			}
		}
		return true
	})
	return targetOf(c)
}

// AnswersElsewhere is a server as Answers, whose datagrams come from another port than they were asked for from.
func AnswersElsewhere(t testing.TB, answer func(request []byte) [][]byte) sdk.Target {
	t.Helper()
	c, other := datagramSocket(t), datagramSocket(t)
	serve(t, c, func(request []byte, from netip.AddrPort) bool {
		for _, b := range answer(request) {
			other.WriteToUDPAddrPort(b, from) // may be refused: the one who asked may be gone
		}
		return true
	})
	return targetOf(c)
}

// AnswersForEver is a server that, once asked, sends the same datagram again and again until the test ends.
func AnswersForEver(t testing.TB, datagram []byte) sdk.Target {
	t.Helper()
	c := datagramSocket(t)
	var end atomic.Bool
	t.Cleanup(func() { end.Store(true) })
	serve(t, c, func(_ []byte, from netip.AddrPort) bool {
		for !end.Load() {
			if _, err := c.WriteToUDPAddrPort(datagram, from); err != nil {
				return true
			}
		}
		return false
	})
	return targetOf(c)
}

// NobodyAnswers is an address on loopback where nobody listens, so that the kernel says: port unreachable.
func NobodyAnswers(t testing.TB) sdk.Target {
	t.Helper()
	return FreePort(t)
}

// FreePort returns a target on loopback whose port nobody has, neither by UDP nor by TCP.
func FreePort(t testing.TB) sdk.Target {
	t.Helper()
	return targetAt(freePort(t))
}

func datagramSocket(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// serve calls f with what c gets until f has had enough or the test ends, and waits for its end.
func serve(t testing.TB, c *net.UDPConn, f func(request []byte, from netip.AddrPort) bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil || !f(b[:n], from) {
				return
			}
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
}

func targetOf(c *net.UDPConn) sdk.Target {
	return targetAt(c.LocalAddr().(*net.UDPAddr).AddrPort())
}

// targetAt is a target with a time-out of a second.
func targetAt(at netip.AddrPort) sdk.Target {
	return sdk.Target{ID: "t", Address: at.Addr(), Port: at.Port(), Schedule: sdk.Schedule{Timeout: time.Second}}
}
