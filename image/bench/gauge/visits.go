package gauge

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Visits are what a sink has seen of the checks that come to it, since it was asked before. It is told apart by the address
// that a check comes to.
type Visits struct {
	Count  uint64  `json:"count"`
	Late   float64 `json:"late"`   // seconds by which the latest check came more than an interval after the one before
	Late99 float64 `json:"late99"` // the same of all but one of a hundred
	// Failed are the checks that were told that the server is broken, the first of each address, in nanoseconds since 1970.
	Failed map[string]int64 `json:"failed,omitempty"`
}

// visits counts.
type visits struct {
	every   time.Duration       // between two checks of one address
	answers map[netip.Addr]bool // those whose checks are answered by HTTP, where the others are closed at once

	mu     sync.Mutex
	last   map[netip.Addr]time.Time
	count  uint64
	late   [1000]uint64 // by milliseconds; the last has the later ones, too
	latest time.Duration
	broken map[netip.Addr]bool
	failed map[string]int64
}

func newVisits(every time.Duration) *visits {
	return &visits{every: every, answers: make(map[netip.Addr]bool), last: make(map[netip.Addr]time.Time),
		broken: make(map[netip.Addr]bool), failed: make(map[string]int64)}
}

// come takes down that a check has come.
func (v *visits) come(to netip.Addr, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count++
	if last, ok := v.last[to]; ok {
		late := max(now.Sub(last)-v.every, 0)
		v.late[min(int(late.Milliseconds()), len(v.late)-1)]++
		v.latest = max(v.latest, late)
	}
	v.last[to] = now
}

// good says whether the server at that address is well. One that is not has failed by now.
func (v *visits) good(to netip.Addr) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.broken[to] {
		return true
	}
	if _, told := v.failed[to.String()]; !told {
		v.failed[to.String()] = time.Now().UnixNano()
	}
	return false
}

// read returns what there is, and begins anew.
func (v *visits) read() Visits {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := Visits{Count: v.count, Late: v.latest.Seconds(), Failed: v.failed}
	var all, sum uint64
	for _, n := range v.late {
		all += n
	}
	for ms, n := range v.late {
		if sum += n; sum*100 >= all*99 {
			r.Late99 = float64(ms) / 1e3
			break
		}
	}
	v.count, v.latest, v.late, v.failed = 0, 0, [1000]uint64{}, make(map[string]int64)
	return r
}

// breaks makes the servers at these addresses broken, and all others well.
func (v *visits) breaks(addresses []string) error {
	broken := make(map[netip.Addr]bool)
	for _, s := range addresses {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return err
		}
		broken[a] = true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.broken = broken
	return nil
}

// answer answers questions, a line each: "read", and "break" with addresses. The answer is what was seen until then.
func (v *visits) answer(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		in := bufio.NewScanner(c)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			words := strings.Fields(in.Text())
			if len(words) > 0 && words[0] == "break" {
				err = v.breaks(words[1:])
			}
			if err == nil {
				err = json.NewEncoder(c).Encode(v.read())
			}
			if err != nil {
				break
			}
		}
		c.Close()
	}
}

// visited is a sink that remembers who came when. With http each check gets an answer, 200 or, from a server that is broken,
// 503; without, only those to some addresses, and the others are closed at once. Questions come to another address.
func visited(listen, ask string, http bool, answered []string, every time.Duration) error {
	v := newVisits(every)
	for _, s := range answered {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return err
		}
		v.answers[a] = true
	}
	control, err := net.Listen("tcp", ask)
	if err != nil {
		return err
	}
	go func() { _ = v.answer(control) }()
	if !http {
		return sink(listen, v)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if errors.Is(err, unix.ECONNABORTED) {
			continue
		}
		if err != nil {
			return fmt.Errorf("accept on %s: %w", listen, err)
		}
		go v.serve(c)
	}
}

const (
	well   = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
	broken = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n"
)

// serve answers one check.
func (v *visits) serve(c net.Conn) {
	defer c.Close()
	to := netip.MustParseAddrPort(c.LocalAddr().String()).Addr().Unmap()
	v.come(to, time.Now())
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := c.Read(make([]byte, 4096)); err != nil { // a request is one segment
		return
	}
	said := well
	if !v.good(to) {
		said = broken
	}
	_, _ = c.Write([]byte(said))
}

// serveSocket answers one check that was accepted by system call.
func (v *visits) serveSocket(fd int) {
	f := os.NewFile(uintptr(fd), "check")
	defer f.Close()
	if c, err := net.FileConn(f); err == nil { // an error is a connection that is gone
		v.serve(c)
	}
}
