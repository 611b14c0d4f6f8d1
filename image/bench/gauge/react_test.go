package gauge

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fleet is a kernel's table of one service whose servers are checked over and over: what fails loses its weight after a
// while, and what is well has it back.
type fleet struct {
	sink  *visits
	takes time.Duration

	mu  sync.Mutex
	was map[netip.Addr]time.Time // when it was seen to fail
}

func (f *fleet) servers(netip.AddrPort) (int, error) { return 2, nil }

func (f *fleet) weights(netip.AddrPort, int) (map[netip.Addr]int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	weights := make(map[netip.Addr]int)
	for _, a := range []netip.Addr{one, two} {
		switch since, failed := f.was[a]; {
		case f.sink.good(a):
			delete(f.was, a)
			weights[a] = 1
		case !failed:
			f.was[a] = time.Now()
			weights[a] = 1
		case time.Since(since) < f.takes:
			weights[a] = 1
		}
	}
	return weights, nil
}

func TestTheTimeFromTheFailureToTheKernelIsTakenOfEachServer(t *testing.T) {
	v := newVisits(time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go v.answer(l)
	tab := table{services: 1, servers: 2, kernel: &fleet{sink: v, takes: 20 * time.Millisecond, was: make(map[netip.Addr]time.Time)}}
	took, err := react(t.Context(), tab, l.Addr().String(), []string{"10.0.0.1", "10.0.0.2"})
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 2 || took[0] < 0.02 || took[1] < 0.02 {
		t.Errorf("took %v s, want 0.02 and more", took)
	}
	if !v.good(one) || !v.good(two) {
		t.Error("a server is broken after its turn")
	}
}

// gone is a table in which no server is seen when it is looked at for the second time, though none has failed.
type gone struct{ looks int }

func (g *gone) servers(netip.AddrPort) (int, error) { return 1, nil }

func (g *gone) weights(netip.AddrPort, int) (map[netip.Addr]int, error) {
	g.looks++
	return map[netip.Addr]int{one: g.looks % 2}, nil
}

func TestAServerThatIsTakenOutWithoutHavingFailedIsTriedAgainAFewTimes(t *testing.T) {
	v := newVisits(time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go v.answer(l)
	k := &gone{}
	_, err = react(t.Context(), table{servers: 1, kernel: k}, l.Addr().String(), []string{"10.0.0.1"})
	if err == nil || !strings.Contains(err.Error(), "10.0.0.1: it is taken out without having failed") || k.looks != 2*failures {
		t.Errorf("after %d looks: %v", k.looks, err)
	}
}

func TestASinkAnswersThoseThatItIsToldTo(t *testing.T) {
	probe, err := net.Listen("tcp4", "127.0.0.1:0") // for a free port
	if err != nil {
		t.Fatal(err)
	}
	at := probe.Addr().String()
	probe.Close()
	v := newVisits(time.Second)
	v.answers[netip.MustParseAddr("127.0.0.2")] = true
	failed := make(chan error, 1)
	go func() { failed <- sink(strings.Replace(at, "127.0.0.1", "0.0.0.0", 1), v) }()
	for host, want := range map[string]string{"127.0.0.1": "", "127.0.0.2": well} {
		got := visit(t, strings.Replace(at, "127.0.0.1", host, 1), failed)
		if got != want {
			t.Errorf("%s says %q, want %q", host, got, want)
		}
	}
}

// visit says what a server answers. It is asked until it is there.
func visit(t *testing.T, at string, failed <-chan error) string {
	t.Helper()
	for {
		c, err := net.Dial("tcp", at)
		if err != nil {
			select {
			case err := <-failed:
				t.Fatal(err)
			case <-time.After(time.Millisecond):
			}
			continue
		}
		defer c.Close()
		_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n")) // one that is closed at once may not take it
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		return string(b[:n])
	}
}
