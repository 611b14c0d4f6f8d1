package gauge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var one, two = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")

func TestACheckIsLateByWhatGoesBeyondItsInterval(t *testing.T) {
	v := newVisits(time.Second)
	now := time.Now()
	for _, at := range []time.Duration{0, 1000, 2030, 3000} { // the last is early
		v.come(one, now.Add(at*time.Millisecond))
	}
	v.come(two, now.Add(time.Hour)) // its first
	if d := cmp.Diff(Visits{Count: 5, Late: 0.03, Late99: 0.03, Failed: map[string]int64{}}, v.read()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	v.come(one, now.Add(4005*time.Millisecond))
	if d := cmp.Diff(Visits{Count: 1, Late: 0.005, Late99: 0.005, Failed: map[string]int64{}}, v.read()); d != "" {
		t.Errorf("after that (-want +got):\n%s", d)
	}
}

func TestOneInAHundredMayBeLater(t *testing.T) {
	v := newVisits(time.Second)
	now := time.Now()
	for i := range 1001 {
		now = now.Add(1002 * time.Millisecond)
		if i > 990 {
			now = now.Add(time.Second)
		}
		v.come(one, now)
	}
	if r := v.read(); r.Late99 != 0.002 || r.Late < 1 {
		t.Errorf("%+v", r)
	}
}

func TestABrokenServerSaysSoAndWhen(t *testing.T) {
	v := newVisits(time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go v.answer(l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	ask := func(question string) (r Visits) {
		fmt.Fprintln(c, question)
		line, err := in.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	answer := func() string {
		client, server := net.Pipe()
		go func() {
			v.serve(addressed{server})
		}()
		io.WriteString(client, "GET / HTTP/1.1\r\n\r\n")
		b, _ := io.ReadAll(client)
		return string(b)
	}
	if got := answer(); got != well {
		t.Errorf("got %q", got)
	}
	ask("break 10.0.0.2 10.0.0.1")
	before := time.Now()
	for range 2 {
		if got := answer(); got != broken {
			t.Errorf("got %q", got)
		}
	}
	r := ask("break")
	if at := time.Unix(0, r.Failed["10.0.0.1"]); r.Count != 2 || len(r.Failed) != 1 || at.Before(before.Round(0)) || at.After(time.Now()) {
		t.Errorf("%+v", r)
	}
	if got := answer(); got != well {
		t.Errorf("mended: %q", got)
	}
}

// addressed is a connection to 10.0.0.1.
type addressed struct{ net.Conn }

func (addressed) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(one, 80)) }
