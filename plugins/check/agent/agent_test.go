package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked returns what a probe makes of an agent: "down: REASON", "up", or "33%: REASON".
func asked(t *testing.T, target sdk.Target, c Config) string {
	t.Helper()
	target.Schedule.Timeout = 200 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), target.Schedule.Timeout)
	defer cancel()
	ctx, said := sdk.Weighing(ctx)
	if err := probe(ctx, target, c); err != nil {
		return "down: " + err.Error()
	}
	f, reason := said()
	if f == 0 {
		return "up"
	}
	return f.String() + ": " + reason
}

func TestTheFirstLineCounts(t *testing.T) {
	hangsUp := func(said string) net.Addr { return sdktest.Accept(t, func(c *net.TCPConn) { fmt.Fprint(c, said) }) }
	long := strings.Repeat("x", longest)
	for _, tt := range []struct {
		name  string
		agent net.Addr
		want  string
	}{
		{"LF", sdktest.Greet(t, "50%\n"), "50%: the agent says 50%"},
		{"CR LF", sdktest.Greet(t, "50%\r\n"), "50%: the agent says 50%"},
		{"CR", sdktest.Greet(t, "50%\r"), "50%: the agent says 50%"},
		{"no break, and hangs up", hangsUp("50%"), "50%: the agent says 50%"},
		{"a second line", sdktest.Greet(t, "drain # patching\ndown\n"), "0%: the agent says drain: patching"},
		{"down", hangsUp("down # disk is full\n"), "down: the agent says down: disk is full"},
		{"an empty line", sdktest.Greet(t, "\n50%\n"), "down: the agent says nothing"},
		{"nothing", sdktest.Silent(t), "down: timeout after 200ms waiting for the agent's line"},
		{"half", sdktest.Greet(t, "50"), "down: timeout after 200ms waiting for the agent's line"},
		{"hangs up", hangsUp(""), "down: waiting for the agent's line: the server closed the connection"},
		{"resets", sdktest.Script(t, nil, "RST"), "down: waiting for the agent's line: connection reset by peer"},
		{"a line without end", sdktest.Greet(t, long+long), "down: waiting for the agent's line: it is longer than 1024 bytes, and begins with \"" + long[:40] + `"`},
	} {
		if got := asked(t, sdktest.TargetAt(tt.agent), Config{}); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestWhatIsSentArrives(t *testing.T) {
	agent := sdktest.Script(t, nil, "C: state of web1", "S: 25%")
	if got, want := asked(t, sdktest.TargetAt(agent), Config{Send: "state of web1\r\n"}), "25%: the agent says 25%"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnAgentThatDoesNotAnswerMayLeaveAllAsItIs(t *testing.T) {
	gone := sdktest.TargetAt(sdktest.Unused(t, 1)[0])
	refused := fmt.Sprintf("connect 127.0.0.1:%d: connection refused", gone.Port)
	for _, tt := range []struct {
		state sdk.State
		f     sdk.Factor
		want  string
	}{
		{sdk.StateUnknown, 0, "up"},
		{sdk.StateUp, 0, "up"},
		{sdk.StateUp, sdk.FactorOf(33), "33%: 33% as before: " + refused},
		{sdk.StateUp, sdk.FactorOf(0), "0%: 0% as before: " + refused},
		{sdk.StateDown, 0, "down: " + refused},
	} {
		gone.Initial, gone.Factor = tt.state, tt.f
		if got := asked(t, gone, Config{Unreachable: "keep"}); got != tt.want {
			t.Errorf("%v at %v: got %s, want %s", tt.state, tt.f, got, tt.want)
		}
		if got := asked(t, gone, Config{Unreachable: "down"}); got != "down: "+refused {
			t.Errorf("%v at %v, unless told so: %s", tt.state, tt.f, got)
		}
	}
}

// The example of the manual page, served by socat as there.
func TestAnAgentOfOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	sdktest.File(t, file, "up 75%\n")
	target := sdktest.FreePort(t)
	ready := func() bool { return !strings.HasPrefix(asked(t, target, Config{}), "down: connect") }
	listen := fmt.Sprintf("TCP-LISTEN:%d,bind=%s,reuseaddr,fork", target.Port, target.Address)
	sdktest.Process{Package: "socat", Ready: ready, Command: []string{"/usr/bin/socat", listen, "OPEN:" + file + ",rdonly"}}.Start(t)
	if got, want := asked(t, target, Config{}), "75%: the agent says 75%"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := os.WriteFile(file, []byte("maint # new disks\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := asked(t, target, Config{}), "down: the agent says maint: new disks"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
