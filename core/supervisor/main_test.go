package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/badplugin"
)

// TestMain makes this binary what evenkeel's own is: the shim before a plugin, and the plugins.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 2 && os.Args[1] == ExecArgument:
		fmt.Fprintln(os.Stderr, Exec(os.Args[2:]))
		os.Exit(ExecFailed)
	case len(os.Args) > 2 && os.Args[1] == PluginArgument:
		if err := Confine(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		servePlugin(os.Args[2])
		os.Exit(0)
	case filepath.Base(os.Args[0]) == "check-port": // a file of its own
		sdk.Serve(portPlugin())
		os.Exit(0)
	case os.Getenv("SUPERVISOR_TEST_CORE") != "":
		beCore()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if left := children(); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "processes are left: %s\n", left)
			code = max(code, 1)
		}
		os.Exit(code)
	}))
}

// servePlugin is a built-in plugin.
func servePlugin(name string) {
	switch name {
	case "ipvs":
		sdk.Serve(sdk.NewBalancer(sdk.Info{Name: "ipvs", Version: "1"}, func(sdk.Host) (sdk.Balancer, error) {
			if _, err := os.Stat("/nonexistent/ip_vs"); err != nil {
				return nil, errors.New("the kernel has no ip_vs: modprobe ip_vs")
			}
			return nil, nil
		}))
	case "vrrp":
		sdk.Serve(sdk.NewVRRP(sdk.Info{Name: "vrrp", Version: "1"}, openKeeper))
	case "check-port":
		sdk.Serve(portPlugin())
	case "check-words":
		sdk.Serve(sdk.NewCheckEngine(sdk.Info{Name: "words"}, func(h sdk.Host) sdk.Checker { return lastWords{h} }))
	default:
		badplugin.Serve(strings.TrimPrefix(name, "check-"))
	}
}

// portPlugin is a check type that says what it is given by its result.
func portPlugin() sdk.Plugin {
	type config struct {
		Say string `attr:"say" required:"true"`
	}
	return sdk.NewCheck(sdk.Info{Name: "port", Version: "2.3.4"}, func(ctx context.Context, t sdk.Target, c config) error {
		switch c.Say {
		case "who":
			b, err := os.ReadFile("/proc/self/status")
			return errors.Join(err, errors.New(statusLines(b, "Uid:", "CapEff:", "CapAmb:", "NoNewPrivs:")))
		case "write":
			return os.WriteFile(writable(), nil, 0o666)
		case "name":
			b, err := os.ReadFile("/proc/self/comm")
			return errors.Join(err, errors.New(strings.TrimSpace(string(b))))
		case "environment":
			return errors.New(strings.Join(os.Environ(), " "))
		case "files":
			return errors.New(openFiles())
		case "print":
			fmt.Println("printed to stdout")
			sdk.HostFrom(ctx).Logger.Warn("logged", "answer", 42)
			return nil
		}
		return errors.New(c.Say)
	})
}

// lastWords is a check plugin that logs how it is stopped.
type lastWords struct{ host sdk.Host }

func (w lastWords) Apply(context.Context, sdk.TargetUpdate) error { return nil }

func (w lastWords) Watch(ctx context.Context, _ func(sdk.CheckReport)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (w lastWords) Probe(context.Context, sdk.Target) error {
	if w.host.DryRun {
		return errors.New("a dry run")
	}
	return nil
}

func (w lastWords) Stop(ctx context.Context, release bool) error {
	deadline, _ := ctx.Deadline()
	w.host.Logger.Info("farewell", "release", release, "in_time", time.Until(deadline) > 0)
	return nil
}

func statusLines(b []byte, keys ...string) string {
	var out []string
	for line := range strings.Lines(string(b)) {
		for _, k := range keys {
			if strings.HasPrefix(line, k) {
				out = append(out, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return strings.Join(out, "; ")
}

// writable is a file that everybody might make.
func writable() string { return filepath.Join(os.TempDir(), "evenkeel-supervisor-test") }

func openFiles() string {
	var out []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			out = append(out, e.Name()+"="+to)
		}
	}
	return strings.Join(out, " ")
}

// patience is how long anything may take that should come, however busy the machine is. No test passes or fails by a time that
// something took.
const patience = 2 * time.Minute

// A bench is a supervisor with patience, and what came of it. What hangs is waited for as long: a test about it makes the time
// shorter.
type bench struct {
	*Supervisor
	t   *testing.T
	log *safeBuffer

	mu     sync.Mutex
	groups map[int]bool // process groups of plugins
}

// changed notes what there was.
func (b *bench) changed(s Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.PID != 0 {
		b.groups[s.PID] = true
	}
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "sv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, log: &safeBuffer{}, groups: make(map[int]bool)}
	o := Options{
		RunDir:       dir,
		Version:      "test",
		Logger:       hclog.New(&hclog.LoggerOptions{Output: b.log, Level: hclog.Debug}),
		StartTimeout: patience,
		AdoptTimeout: patience,
		StopTimeout:  patience,
		Beat:         50 * time.Millisecond,
		Silence:      patience,
		Watch:        50 * time.Millisecond,
		Retry:        100 * time.Millisecond,
		OnChange:     b.changed,
	}
	for _, f := range change {
		f(&o)
	}
	if b.Supervisor, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.stop()
		for _, s := range processes(func(group int) bool { return b.groups[group] }) {
			t.Errorf("of a plugin's process group is left %s", s)
		}
		left, _ := filepath.Glob(filepath.Join(dir, "*"))
		if len(left) > 0 {
			t.Errorf("%v are left of the sockets", left)
		}
		os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("the log:\n%s", b.log)
		}
	})
	return b
}

func (b *bench) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Stop(ctx, Ending{}); err != nil {
		b.t.Errorf("stopping: %v", err)
	}
}

// await returns the first status of the plugin that ok takes.
func (b *bench) await(name, what string, ok func(Status) bool) (found Status) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("plugin %s comes to this: %s", name, what), func() bool {
		for _, s := range b.Status() {
			if s.String() == name && ok(s) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// eventually waits until something is so.
func (b *bench) eventually(what string, so func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("never was it so that %s; the status is %+v\n%s", what, b.Status(), b.log)
		}
	}
}

// awaitLog waits for words in the log.
func (b *bench) awaitLog(words string) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("the log has %q", words), func() bool { return strings.Contains(b.log.String(), words) })
}

func (b *bench) awaitState(name string, state State) Status {
	b.t.Helper()
	return b.await(name, string(state), func(s Status) bool { return s.State == state })
}

// children returns the children of this process, zombies included.
func children() (left []string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range entries {
		b, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err == nil && bytes.Contains(b, fmt.Appendf(nil, "\nPPid:\t%d\n", os.Getpid())) {
			left = append(left, e.Name()+" "+statusLines(b, "Name:", "State:"))
		}
	}
	return left
}

// processes returns those whose group ok takes, but for zombies, which are init's.
func processes(ok func(group int) bool) (found []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var state string
		var parent, group int
		fmt.Sscan(string(b[bytes.LastIndexByte(b, ')')+1:]), &state, &parent, &group)
		if state != "Z" && ok(group) {
			found = append(found, string(b[:bytes.LastIndexByte(b, ')')+1]))
		}
	}
	return found
}

// alive says whether there is such a process, other than as a zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(statusLines(b, "State:"), "Z")
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
