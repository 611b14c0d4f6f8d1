package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trusting is a prober that runs any program, as the one who runs the tests.
func trusting() *prober {
	return &prober{root: os.Geteuid() == 0, trust: func(string) error { return nil }}
}

// me is the user who runs the tests.
func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

// shell runs a line of shell and returns the reason; "": up.
func shell(t *testing.T, timeout time.Duration, line string) string {
	t.Helper()
	return reason(t, timeout, Config{Command: []string{"/bin/sh", "-c", line}, User: me(t)})
}

func reason(t *testing.T, timeout time.Duration, c Config) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	target := sdk.Target{ID: "t", Schedule: sdk.Schedule{Timeout: timeout}}
	if err := trusting().probe(ctx, target, c); err != nil {
		return err.Error()
	}
	return ""
}

func TestTheExitStatusDecidesAndTheLastLineSaysWhy(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"exit 0", ""},
		{"echo all is well", ""},
		{"exit 1", "exit status 1"},
		{"echo first; echo no lease; exit 3", "exit status 3: no lease"},
		{"echo no lease >&2; echo; echo ' '; exit 3", "exit status 3: no lease"},
		{"printf 'no end of line'; exit 3", "exit status 3: no end of line"},
		{"echo before; kill -SEGV $$", "ended by a signal, segmentation fault: before"},
		{"kill -TERM $$", "ended by a signal, terminated"},
	} {
		if got := shell(t, 10*time.Second, tt.line); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestAProgramThatCannotBeRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("text"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir + "/nothing": "no such file or directory",
		dir:              "permission denied",
		file:             "permission denied",
		broken:           "exec format error",
	} {
		want = fmt.Sprintf("run %s: %s", path, want)
		if got := reason(t, 10*time.Second, Config{Command: []string{path}, User: me(t)}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestArgumentsReachTheProgramAsTheyAreWritten(t *testing.T) {
	c := Config{Command: []string{"/bin/sh", "-c", `test "$1" = "a  b; exit 3" && test "$#" = 2`, "name", "a  b; exit 3", "$HOME"}, User: me(t)}
	if got := reason(t, 10*time.Second, c); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestTheEnvironmentIsClean(t *testing.T) {
	t.Setenv("SECRET", "of the core's")
	target := sdk.Target{ID: "t", Address: netip.MustParseAddr("2001:db8::1"), Port: 80}
	for _, tt := range []struct {
		target sdk.Target
		want   string
	}{
		{sdk.Target{}, "PATH= PWD= "},
		{target, "EVENKEEL_ADDRESS=2001:db8::1 EVENKEEL_PORT=80 PATH= PWD= "},
	} {
		// What the shell adds by itself is left out.
		line := `env | grep -v -e ^_= -e ^SHLVL= -e ^OLDPWD= | sed -e 's/^PATH=.*/PATH=/' -e 's/^PWD=.*/PWD=/' | sort | tr '\n' ' '; exit 1`
		err := trusting().probe(t.Context(), tt.target, Config{Command: []string{"/bin/sh", "-c", line}, User: me(t)})
		want := "exit status 1: " + strings.TrimSpace(tt.want)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestTheProgramHasNothingToReadAndNoFilesOfThePlugins(t *testing.T) {
	if got := shell(t, 10*time.Second, `cat; pwd; ls /proc/self/fd | tr '\n' ' '; exit 1`); got != "exit status 1: 0 1 2 3" { // 3 is ls's own
		t.Errorf("got %q", got)
	}
}

// alive says whether the process of that number, in a file, runs.
func alive(t *testing.T, file string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, fs.ErrNotExist) || strings.Contains(string(stat), ") Z ") { // a zombie is init's business
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
	return true
}

func TestATimeOutEndsTheWholeProcessGroup(t *testing.T) {
	for name, trap := range map[string]string{"polite": "", "stubborn": "trap '' TERM; "} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "child")
			start := time.Now()
			got := shell(t, 300*time.Millisecond, trap+`sleep 60 & echo $! >`+file+`; echo waiting; wait; sleep 60`)
			took := time.Since(start)
			if want := "timeout after 300ms: sh: waiting"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if alive(t, file) {
				t.Error("the program's child still runs")
			}
			if name == "stubborn" && took < 300*time.Millisecond+politeness || took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestATimeOutLeavesTimeToTidyUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tidied")
	shell(t, 300*time.Millisecond, `trap 'sleep 0.1; echo >`+file+`; exit 1' TERM; sleep 60 & wait`)
	if _, err := os.Stat(file); err != nil {
		t.Error("the program was killed before it had tidied up")
	}
}

func TestChildrenThatAProgramLeavesBehindAreKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	start := time.Now()
	if got := shell(t, 10*time.Second, `sleep 60 & echo $! >`+file); got != "" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if alive(t, file) {
		t.Error("it still runs")
	}
}

func TestAChildThatLeavesTheGroupHoldsNothingUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	start := time.Now()
	if got := shell(t, 10*time.Second, `setsid sh -c 'echo $$ >`+file+`; sleep 60' & sleep 0.3; echo done; exit 1`); got != "exit status 1: done" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && pid > 1 {
		unix.Kill(-pid, unix.SIGKILL)
	}
}

func TestAnOutputWithoutEndHoldsNothingUp(t *testing.T) {
	if got := shell(t, 300*time.Millisecond, `yes`); got != "timeout after 300ms: sh: y" {
		t.Errorf("got %q", got)
	}
	if got := shell(t, 10*time.Second, `head -c 20000000 /dev/zero | tr '\0' x; exit 1`); got != "exit status 1: "+strings.Repeat("x", lineBytes) {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestTheTailIsTheSameHoweverItIsRead(t *testing.T) {
	const text = "first\n\nlast one\r\n \n"
	for size := 1; size <= len(text); size++ {
		var said tail
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			said.add([]byte(rest[:n]))
			rest = rest[n:]
		}
		if got := said.line(); got != "last one" {
			t.Errorf("in pieces of %d: %q", size, got)
		}
	}
}

func TestRootBecomesAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	line := `id -un; id -u; id -G | wc -w; exit 1`
	c := Config{Command: []string{"/bin/sh", "-c", `test "$(id -un)" = nobody && test "$(id -G)" = "$(id -G nobody)"`}, User: "nobody"}
	if got := reason(t, 10*time.Second, c); got != "" {
		t.Errorf("as nobody: %q", got)
	}
	c = Config{Command: []string{"/bin/sh", "-c", `grep -E '^Cap(Eff|Prm):' /proc/self/status | grep -qv 0000000000000000 && exit 1; exit 0`}, User: "nobody"}
	if got := reason(t, 10*time.Second, c); got != "" {
		t.Errorf("nobody has capabilities: %q", got)
	}
	c = Config{Command: []string{"/bin/sh", "-c", line}, User: "no-such-user"}
	if got := reason(t, 10*time.Second, c); got != "there is no user no-such-user" {
		t.Errorf("got %q", got)
	}
}

func TestWhoIsNotRootRunsProgramsAsItself(t *testing.T) {
	p := &prober{trust: func(string) error { return errors.New("asked") }}
	for name, want := range map[string]string{"nobody": "", me(t): "", "daemon": "only root can become user daemon"} {
		if name == "daemon" && me(t) == "daemon" {
			continue
		}
		got := ""
		if err := p.probe(t.Context(), sdk.Target{}, Config{Command: []string{"/bin/true"}, User: name}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestRootRunsOnlyWhatIsRoots(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has something to lose here")
	}
	file := filepath.Join(t.TempDir(), "check") // below /tmp, which everybody may write
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := &prober{root: true, trust: onlyRoots(osTree{})}
	err := p.probe(t.Context(), sdk.Target{}, Config{Command: []string{file}, User: "nobody"})
	if err == nil || !strings.HasPrefix(err.Error(), "refused: ") {
		t.Errorf("a program below %s: %v", os.TempDir(), err)
	}
	if err := p.probe(t.Context(), sdk.Target{}, Config{Command: []string{"/bin/true"}, User: "nobody"}); err != nil {
		t.Errorf("/bin/true: %v", err)
	}
}

func TestAnOperatorsScript(t *testing.T) {
	script, err := filepath.Abs("testdata/alive.sh")
	if err != nil {
		t.Fatal(err)
	}
	pid := filepath.Join(t.TempDir(), "pid")
	run := func() string {
		return reason(t, 10*time.Second, Config{Command: []string{script, pid}, User: me(t)})
	}
	if got := run(); !strings.HasPrefix(got, "exit status 2: ") {
		t.Errorf("without the file: %q", got)
	}
	if err := os.WriteFile(pid, []byte(fmt.Sprint(os.Getpid())), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := run(); got != "" {
		t.Errorf("with this process's number: %q", got)
	}
	if err := os.WriteFile(pid, []byte("4194305"), 0o644); err != nil { // more than pid_max can be
		t.Fatal(err)
	}
	if got := run(); got != "exit status 1: no process 4194305" {
		t.Errorf("with nobody's number: %q", got)
	}
}

func TestWhatCannotWorkIsRefusedWhereItIsWritten(t *testing.T) {
	for config, want := range map[string]string{
		`{"command":[]}`:                              "command: there is no program to run",
		`{"command":["check"]}`:                       "command: 0: the program has no whole path",
		`{"command":["./check"]}`:                     "command: 0: the program has no whole path",
		`{"command":["/a","b\u0000"]}`:                "command: 1: an argument can't have a zero byte",
		`{"command":["/a"],"user":""}`:                "user: it is no name of a user",
		`{"command":["/a"],"user":"a b"}`:             "user: it is no name of a user",
		`{}`:                                          "command: it is required",
		`{"command":["/a"],"external":"web"}`:         "external: it is no virtual server",
		`{"command":["/a"],"external":"192.0.2.1"}`:   "external: it is no virtual server",
		`{"command":["/a"],"external":"192.0.2.1:0"}`: "external: it is no virtual server",
		`{"command":["/a"],"external":"0"}`:           "external: it is no virtual server",
		`{"command":["/a"],"external":"99"}`:          "",
		`{"command":["/a","-x"]}`:                     "",
		`{"command":["/a"],"user":"www-data"}`:        "",
		`{"command":["/a"],"user":"machine$"}`:        "",
		`{"command":["/data/scripts/a b","$"]}`:       "",
	} {
		got := ""
		for _, d := range Plugin().Validate(json.RawMessage(config)) {
			d.Detail = ""
			got += d.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", config, got, want)
		}
	}
}
