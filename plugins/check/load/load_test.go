package load

import (
	"context"
	"fmt"
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

func TestTheWeightFallsFromTheLowMarkToTheHighOne(t *testing.T) {
	c := &Config{Low: 0.5, High: 2.5, Least: 20}
	for _, tt := range []struct {
		load float64
		now  sdk.Factor
		want int
	}{
		{0, 0, 100}, {0.5, 0, 100}, {1, 0, 80}, {1.5, 0, 60}, {2, 0, 40}, {2.5, 0, 20}, {100, 0, 20},
		{1.5, sdk.FactorOf(64), 64}, {1.5, sdk.FactorOf(56), 56}, {1.5, sdk.FactorOf(65), 60}, {1.5, sdk.FactorOf(55), 60}, // the step
		{3, sdk.FactorOf(19), 20}, {0, sdk.FactorOf(102), 100}, // what another configuration has left
	} {
		if got := c.percent(tt.load, tt.now); got != tt.want {
			t.Errorf("load %v at %v: %d, want %d", tt.load, tt.now, got, tt.want)
		}
	}
	last := 100
	for load := 0.0; load < 4; load += 0.01 {
		got := c.percent(load, 0)
		if got > last || got < c.Least {
			t.Fatalf("at load %v the part is %d, before it was %d", load, got, last)
		}
		last = got
	}
}

func TestWhatAServerSaysIsRead(t *testing.T) {
	const good = "0.20 1.18 2.12 1/80 11206\n4\n"
	for _, tt := range []struct {
		text    string
		minutes int
		want    string
	}{
		{good, 1, "load 0.20 on 4 processors"},
		{good, 5, "load 1.18 on 4 processors"},
		{good, 15, "load 2.12 on 4 processors"},
		{"0.20 1.18 2.12 1/80 11206\n1", 1, "load 0.20 on 1 processor"},
		{"", 1, `not what /proc/loadavg and nproc say: ""`},
		{"0.20 1.18 2.12 1/80 11206\n", 1, `not what /proc/loadavg and nproc say: "0.20 1.18 2.12 1/80 11206\n"`},
		{"Welcome to web1!\n4\n", 1, `not what /proc/loadavg says: "Welcome to web1!"`},
		{"NaN 1.18 2.12 1/80 11206\n4\n", 1, `not what /proc/loadavg says: "NaN 1.18 2.12 1/80 11206"`},
		{"-1 1.18 2.12 1/80 11206\n4\n", 1, `not what /proc/loadavg says: "-1 1.18 2.12 1/80 11206"`},
		{"0.20 1.18 2.12 1/80 11206\n0\n", 1, `not what nproc says: "0"`},
		{"0.20 1.18 2.12 1/80 11206\nsh: nproc: not found\n", 1, `not what nproc says: "sh: nproc: not found"`},
	} {
		got := ""
		if m, err := parseProc(tt.text, tt.minutes); err != nil {
			got = err.Error()
		} else {
			got = m.String()
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func FuzzParseProc(f *testing.F) {
	for _, s := range []string{"0.20 1.18 2.12 1/80 11206\n4\n", "1e999 0 0 0 0\n1", "\n\n", "1 1 1 1 1\n99999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseProc(s, 1)
		if err == nil && (m.processors < 1 || !(m.perProcessor() >= 0)) {
			t.Errorf("%q is %+v", s, m)
		}
		if err != nil && len(err.Error()) > 512 {
			t.Errorf("a reason of %d bytes", len(err.Error()))
		}
	})
}

// weighed is what a probe makes of a server: "down: REASON", "up", or "33%: REASON".
func weighed(t *testing.T, target sdk.Target, config string) string {
	t.Helper()
	return weighedWithin(t, time.Second, target, config)
}

func weighedWithin(t *testing.T, timeout time.Duration, target sdk.Target, config string) string {
	t.Helper()
	c, err := sdk.Decode[Config]([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	target.Schedule.Timeout = timeout
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

func TestByAServerOfSSH(t *testing.T) {
	const busy = "4.40 1.00 0.50 9/80 11206\n4\n"
	s := newServer(t, busy)
	if got, want := weighed(t, s.target(), s.config("")), "64%: load 4.40 on 4 processors"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s.user != "evenkeel" || s.command != command {
		t.Errorf("%s has run %q", s.user, s.command)
	}
	if got, want := weighed(t, s.target(), s.config(`"processors":8,"minutes":5,`)), "100%: load 1.00 on 8 processors"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	stranger := newServer(t, busy)
	stranger.known = s.known
	if got, want := weighed(t, stranger.target(), stranger.config("")), fmt.Sprintf("down: the host key of %s is not in %s", stranger.listener.Addr(), s.known); got != want {
		t.Errorf("a stranger: got %s, want %s", got, want)
	}
	impostor := newServer(t, busy)
	known, err := os.ReadFile(s.known)
	if err != nil {
		t.Fatal(err)
	}
	impostor.known = sdktest.WriteFile(t, t.TempDir(), "known_hosts", strings.ReplaceAll(string(known), s.listener.Addr().String()[10:], impostor.listener.Addr().String()[10:]))
	if got, want := weighed(t, impostor.target(), impostor.config("")), "down: the host key is another than known_hosts_file has: somebody may be in between, or the server is a new one"; got != want {
		t.Errorf("an impostor: got %s, want %s", got, want)
	}

	for wrong, want := range map[string]string{
		"session": "down: opening a session of SSH: ssh: rejected: administratively prohibited (\"no sessions here\")",
		"exec":    "down: running the command: ssh: command " + command + " failed",
		"silent":  "down: timeout after 1s reading the command's output",
	} {
		s := newServer(t, "")
		s.wrong = wrong
		if got := weighed(t, s.target(), s.config("")); got != want {
			t.Errorf("%s: got %s, want %s", wrong, got, want)
		}
	}
}

func TestWithoutItsFilesACheckSaysWhatIsMissing(t *testing.T) {
	s := newServer(t, "")
	dir := t.TempDir()
	empty := sdktest.WriteFile(t, dir, "empty", "")
	none := filepath.Join(dir, "none")
	for _, tt := range []struct{ key, known, want string }{
		{none, s.known, "down: private_key_file " + none + ": no such file or directory"},
		{empty, s.known, "down: private_key_file " + empty + ": there is no private key in it"},
		{s.key, none, "down: known_hosts_file " + none + ": no such file or directory"},
		{s.key, empty, fmt.Sprintf("down: the host key of %s is not in %s", s.listener.Addr(), empty)},
	} {
		server := &server{listener: s.listener, key: tt.key, known: tt.known}
		if got := weighed(t, server.target(), server.config("")); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestAServerThatDoesNotAnswerMayKeepItsWeight(t *testing.T) {
	s := newServer(t, "")
	target := s.target()
	s.listener.Close()
	target.Initial, target.Factor = sdk.StateUp, sdk.FactorOf(40)
	refused := fmt.Sprintf("connect %s: connection refused", s.listener.Addr())
	if got, want := weighed(t, target, s.config("")), "down: "+refused; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := weighed(t, target, s.config(`"unreachable":"keep",`)), "40%: 40% as before: "+refused; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHostileServers(t *testing.T) {
	s := newServer(t, "")
	_, host := keyFile(t, t.TempDir(), "host")
	for _, h := range sdktest.HostileServers() {
		t.Run(h.Name, func(t *testing.T) {
			at := h.Start(t)
			known := sdktest.WriteFile(t, t.TempDir(), "known_hosts", knownLine(at, host))
			got := weighed(t, sdktest.TargetAt(at), configAt(at, s.key, known, ""))
			if !strings.HasPrefix(got, "down: ") {
				t.Errorf("got %s", got)
			}
			t.Log(got)
		})
	}
}
