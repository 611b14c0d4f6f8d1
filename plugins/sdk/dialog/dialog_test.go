package dialog

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial connects for a probe with a time-out.
func dial(t *testing.T, a net.Addr, timeout time.Duration) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	target := sdktest.TargetAt(a)
	target.Schedule.Timeout = timeout
	c, err := Dial(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestALineIsReadWholeOrNotAtAll(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, tt := range []struct {
		name   string
		server net.Addr
		want   string // "=": the line
	}{
		{"with CR LF", sdktest.Greet(t, "hello\r\n"), "=hello"},
		{"with LF", sdktest.Greet(t, "hello\nmore"), "=hello"},
		{"the longest", sdktest.Greet(t, long[2:]+"\r\n"), "=" + long[2:]},
		{"longer", sdktest.Greet(t, long+"\r\n"), `waiting: the line is longer than 8192 bytes, it begins with "` + long[:40] + `"`},
		{"nothing", sdktest.Silent(t), "timeout after 100ms waiting"},
		{"half", sdktest.Greet(t, "hel"), `timeout after 100ms waiting, of which came "hel"`},
		{"half and an end", sdktest.Accept(t, func(c *net.TCPConn) { io.WriteString(c, "hel") }), `waiting: the server closed the connection, of which came "hel"`},
		{"an end", sdktest.Accept(t, func(*net.TCPConn) {}), "waiting: the server closed the connection"},
		{"a reset", sdktest.Script(t, nil, "RST"), "waiting: connection reset by peer"},
	} {
		line, err := dial(t, tt.server, 100*time.Millisecond).ReadLine("waiting")
		got := "=" + line
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNoMoreIsReadOfAServerThanTheBound(t *testing.T) {
	for _, bound := range []int64{0, 1000, MaxBytes} {
		c := dial(t, sdktest.Endless(t, "", "hello\r\n"), 5*time.Second)
		if bound != MaxBytes {
			c.Bound(bound)
		}
		n := 0
		for {
			line, err := c.ReadLine("waiting")
			if err != nil {
				if want := fmt.Sprintf("the server sends more than %d bytes", bound); err.Error() != want {
					t.Errorf("got %q, want %q", err, want)
				}
				break
			}
			n += len(line) + 2
		}
		if int64(n) > bound {
			t.Errorf("%d bytes were read, at most %d should be", n, bound)
		}
	}
	c := dial(t, sdktest.Endless(t, "", "hello\r\n"), 5*time.Second)
	c.Bound(-1)
	if _, err := io.CopyN(io.Discard, c, 10*MaxBytes); err != nil {
		t.Errorf("without a bound: %v", err)
	}
}

func TestTheProbesDeadlineIsMovedByNobody(t *testing.T) {
	c := dial(t, sdktest.Silent(t), 100*time.Millisecond)
	c.SetDeadline(time.Now().Add(time.Hour))
	c.SetReadDeadline(time.Now().Add(time.Hour))
	begin := time.Now()
	if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

func TestAProbeThatIsCalledOffEndsItsConnection(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Dial(ctx, sdktest.TargetAt(sdktest.Silent(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := c.ReadLine("waiting"); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestALibraryThatMakesATextOfAnErrorLosesNothing(t *testing.T) {
	c := dial(t, sdktest.Script(t, nil, "S: hello\r\nthis is the answer of a server that goes on for a while", "RST"), 5*time.Second)
	_, err := io.ReadAll(c)
	if got, want := c.Reason(fmt.Errorf("cannot read: %s", err), "asking"), "asking: connection reset by peer"; got.Error() != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := c.Beginning(), "hello\r\nthis is the answer of a server th"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := NotSpoken("LDAP", c.Beginning()).Error(), `not LDAP: the answer begins with "hello"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
