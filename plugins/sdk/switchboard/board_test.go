package switchboard

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// open returns a Board that is closed with the test.
func open(t *testing.T) *Board {
	t.Helper()
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// A harness does with a Board what the engine does.
type harness struct {
	*Board
	over map[int]error
}

func newHarness(t *testing.T) *harness { return &harness{Board: open(t)} }

// listen returns a listener on loopback and the target for it.
func listen(t *testing.T, address string) (net.Listener, sdk.Target) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, targetAt(l.Addr())
}

// targetAt is the target at the address of a server, with a time-out that a busy machine does not reach.
func targetAt(a net.Addr) sdk.Target {
	target := sdktest.TargetAt(a)
	target.Schedule.Timeout = 5 * time.Second
	return target
}

// look takes down what has ended.
func (h *harness) look() {
	if h.over == nil {
		h.over = make(map[int]error)
	}
	h.Ended(func(n int, err error) { h.over[n] = err })
}

// until waits until the probe n has ended, or its time has, and returns how.
func (h *harness) until(n int, timeout time.Duration) error {
	for end := time.Now().Add(timeout); ; time.Sleep(time.Millisecond) {
		h.look()
		if err, ok := h.over[n]; ok {
			delete(h.over, n)
			return err
		}
		if time.Now().After(end) {
			return h.Stop(n)
		}
	}
}

func (h *harness) probe(n int, t sdk.Target) error { return h.talk(n, t, nil) }

func (h *harness) talk(n int, t sdk.Target, talk Talk) error {
	h.Start(n, t, talk)
	return h.until(n, t.Schedule.Timeout)
}

// countSockets counts the sockets that a Board makes.
func (h *harness) countSockets() *int {
	made := 0
	h.Board.socket = func(k kind) (int, error) { made++; return newSocket(k) }
	return &made
}

func TestASocketIsUsedAgainAfterAConnection(t *testing.T) {
	h := newHarness(t)
	made := h.countSockets()
	_, four := listen(t, "127.0.0.1")
	_, six := listen(t, "::1")
	for range 100 {
		for _, target := range []sdk.Target{four, six} {
			if err := h.probe(0, target); err != nil {
				t.Fatal(err)
			}
		}
	}
	if *made != 2 {
		t.Errorf("%d sockets were made, want one of each family", *made)
	}
	l, gone := listen(t, "127.0.0.1")
	l.Close()
	for range 3 {
		if err := h.probe(0, gone); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("a server that refuses: %v", err)
		}
		if err := h.probe(0, four); err != nil {
			t.Errorf("another one after it: %v", err)
		}
	}
}

func TestManyAreConnectedToAtOnceEachWithItsOwnResult(t *testing.T) {
	h := newHarness(t)
	_, up := listen(t, "127.0.0.1")
	l, down := listen(t, "127.0.0.1")
	l.Close()
	const n = 500
	for round := range 3 {
		for i := range n {
			target := up
			if (i+round)%2 == 1 {
				target = down
			}
			h.Start(i, target, nil)
			if i%8 == 7 {
				h.look()
			}
		}
		for i := range n {
			err := h.until(i, 5*time.Second)
			if isDown := (i+round)%2 == 1; isDown != errors.Is(err, unix.ECONNREFUSED) || !isDown && err != nil {
				t.Fatalf("probe %d of round %d: %v", i, round, err)
			}
		}
	}
}

func TestAHandshakeThatTakesItsTimeIsWaitedForWithoutLooking(t *testing.T) {
	h := newHarness(t)
	made := h.countSockets()
	_, quick := listen(t, "127.0.0.1")
	for range 2 { // the second time epoll knows the socket
		address, hear := sdktest.Deaf(t)
		target := targetAt(address)
		h.Start(3, target, nil)
		h.look()
		if len(h.over) > 0 {
			t.Fatalf("it is over: %v", h.over[3])
		}
		hear() // and the kernel says SYN again after a second
		waited := make(chan bool)
		go func() { waited <- h.Wait() }()
		select {
		case ok := <-waited:
			if !ok {
				t.Fatal("the Board is closed")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("Wait does not return")
		}
		if err := h.until(3, time.Second); err != nil {
			t.Errorf("the probe: %v", err)
		}
		if h.watched != 0 {
			t.Errorf("%d are waited for", h.watched)
		}
		if err := h.probe(1, quick); err != nil {
			t.Errorf("another one on the same socket: %v", err)
		}
	}
	if *made != 1 {
		t.Errorf("%d sockets were made", *made)
	}
}

func TestAStoppedProbeIsNeverHeardOfAgain(t *testing.T) {
	h := newHarness(t)
	for i := range 3 {
		address, _ := sdktest.Deaf(t)
		target := targetAt(address)
		h.Start(i, target, nil)
		if i > 0 { // the first is stopped before it was looked at
			h.look()
		}
		h.Stop(i)
	}
	_, up := listen(t, "127.0.0.1")
	if err := h.probe(1, up); err != nil {
		t.Errorf("the next with its number: %v", err)
	}
	time.Sleep(20 * time.Millisecond)
	if h.look(); len(h.over) > 0 || h.watched != 0 {
		t.Errorf("heard of %v, and %d are waited for", h.over, h.watched)
	}
}

func TestALackOfOurOwnIsSaidAsWhatItIs(t *testing.T) {
	h := newHarness(t)
	h.Board.socket = func(kind) (int, error) { return -1, unix.EMFILE }
	_, target := listen(t, "127.0.0.1")
	if err := h.probe(0, target); !errors.Is(err, unix.EMFILE) {
		t.Errorf("got %v", err)
	}
	h.Board.socket = newSocket
	if err := h.probe(0, target); err != nil {
		t.Errorf("and then: %v", err)
	}
}

func TestClosingLeavesNothingOpen(t *testing.T) {
	before := descriptors(t)
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{Board: c}
	_, target := listen(t, "127.0.0.1")
	for i := range 2 * maxIdle {
		h.Start(i, target, nil)
	}
	h.look()
	if n := len(c.idle[kind{family: unix.AF_INET}]); n != maxIdle {
		t.Errorf("%d sockets are kept", n)
	}
	ended := make(chan bool)
	go func() { ended <- c.Wait() }()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if <-ended {
		t.Error("Wait says that there is something")
	}
	if after := descriptors(t) - 1; after != before { // the listener's
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestWhatCanBeCalled(t *testing.T) {
	at := func(s string) sdk.Target { return sdk.Target{Address: netip.MustParseAddr(s), Port: 80} }
	for _, tt := range []struct {
		name   string
		target sdk.Target
		want   bool
	}{
		{"IPv4", at("192.0.2.1"), true},
		{"IPv6", at("2001:db8::1"), true},
		{"link-local", at("fe80::1%eth0"), false},
		{"no address", sdk.Target{Port: 80}, false},
		{"no port", sdk.Target{Address: netip.MustParseAddr("192.0.2.1")}, false},
	} {
		if got := Takes(tt.target); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
