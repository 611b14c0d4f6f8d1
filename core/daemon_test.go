package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// A box is a daemon under test, with its folders and a client at its door.
type box struct {
	t      *testing.T
	dir    string
	config string
	reload chan struct{}
	dryRun bool
	stop   func() error
	// stopped waits for the end of a daemon that was told to stop by other means.
	stopped func()
	*control.Client
}

// newBox makes the folders for a daemon that is not started yet.
func newBox(t *testing.T) *box {
	t.Helper()
	dir, err := os.MkdirTemp("", "ek") // short, for the sockets' paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // the check plugin looks in it as nobody
		t.Fatal(err)
	}
	b := &box{t: t, dir: dir, config: filepath.Join(dir, "lb.hcl"), reload: make(chan struct{}, 1)}
	b.up("one", true)
	b.up("two", true)
	b.write(3)
	return b
}

// write writes the configuration: two real servers, the first one's weight as given.
func (b *box) write(weight int) {
	b.t.Helper()
	server := func(name string, n, weight int) string {
		return fmt.Sprintf(`
  real_server "192.0.2.1%d:80" {
    weight = %d
    check "file" {
      interval = "20ms"
      timeout  = "20ms"
      fall     = 2
      path     = %q
    }
  }
`, n, weight, filepath.Join(b.dir, name))
	}
	b.writeText(fmt.Sprintf(`director {
  name = "lb1"
}
virtual_server "web" {
  address   = "192.0.2.1:80"
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
%s%s}
`, server("one", 1, weight), server("two", 2, 1)))
}

func (b *box) writeText(s string) {
	b.t.Helper()
	if err := os.WriteFile(b.config, []byte(s), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// up makes a real server's check pass or fail.
func (b *box) up(name string, up bool) {
	b.t.Helper()
	var err error
	if path := filepath.Join(b.dir, name); up {
		err = os.WriteFile(path, nil, 0o644)
	} else {
		err = os.Remove(path)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// says makes a real server's check pass with a weight.
func (b *box) says(name, percent string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(percent), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// start runs the daemon until stop, or the test's end.
func (b *box) start() {
	b.t.Helper()
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	o := Options{
		Paths: []string{b.config}, StateDir: filepath.Join(b.dir, "state"), RunDir: filepath.Join(b.dir, "run"),
		Socket: filepath.Join(b.dir, "control.sock"), Self: self, Version: "test", Builtin: testPlugins(),
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: logTo{b.t}}),
		Reload: b.reload, Ready: func() { close(ready) }, DryRun: b.dryRun,
	}
	go func() { done <- Run(ctx, o) }()
	stopped := false
	b.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		if b.Client != nil {
			b.Client.Close()
			b.Client = nil
		}
		select {
		case err := <-done:
			return err
		case <-time.After(30 * time.Second):
			return errors.New("the daemon did not stop")
		}
	}
	b.stopped = func() {
		b.t.Helper()
		stopped = true
		select {
		case err := <-done:
			if err != nil {
				b.t.Errorf("the daemon ended with: %v", err)
			}
		case <-time.After(30 * time.Second):
			b.t.Fatal("the daemon did not stop")
		}
		cancel()
		b.Client.Close()
	}
	b.t.Cleanup(func() {
		if err := b.stop(); err != nil {
			b.t.Errorf("stopping: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		stopped = true
		b.t.Fatalf("the daemon ended at its start: %v", err)
	case <-time.After(20 * time.Second):
		b.t.Fatal("the table was not in place within 20 s")
	}
	if b.Client, err = control.Dial(o.Socket); err != nil {
		b.t.Fatal(err)
	}
}

// logTo writes a daemon's log to its test. Lines that come after the test's end are lost.
type logTo struct{ t *testing.T }

func (l logTo) Write(p []byte) (int, error) {
	defer func() { _ = recover() }() // Log panics after the end
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (b *box) status() *controlv1.StatusResponse {
	b.t.Helper()
	st, err := b.Status(b.t.Context(), &controlv1.StatusRequest{})
	if err != nil {
		b.t.Fatal(err)
	}
	return st
}

// eventually waits until what the status says is so.
func (b *box) eventually(what string, so func(*controlv1.StatusResponse) bool) *controlv1.StatusResponse {
	b.t.Helper()
	var st *controlv1.StatusResponse
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if st = b.status(); so(st) {
			return st
		}
	}
	b.t.Fatalf("never was it so that %s; at the end:\n%v", what, st)
	return nil
}

// states are the real servers' states, weights in the table and reasons: "up 3", "down - no one".
func states(st *controlv1.StatusResponse) string {
	var out []string
	for _, vs := range st.VirtualServers {
		for _, rs := range vs.RealServers {
			s := fmt.Sprintf("%s %d", rs.State, rs.Weight)
			if !rs.InTable {
				s = fmt.Sprintf("%s - %s", rs.State, rs.Reason)
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

func are(want string) func(*controlv1.StatusResponse) bool {
	return func(st *controlv1.StatusResponse) bool { return states(st) == want }
}

func (b *box) events() []*controlv1.EventsResponse {
	b.t.Helper()
	stream, err := b.Events(b.t.Context(), &controlv1.EventsRequest{From: 1})
	if err != nil {
		b.t.Fatal(err)
	}
	var es []*controlv1.EventsResponse
	for {
		e, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return es
		}
		if err != nil {
			b.t.Fatal(err)
		}
		es = append(es, e)
	}
}

func TestTheBriefStatusOnlyCountsRealServersAndReadsNothing(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	st, err := b.Status(t.Context(), &controlv1.StatusRequest{Brief: true})
	if err != nil {
		t.Fatal(err)
	}
	vs := st.VirtualServers[0]
	if vs.Servers != 2 || vs.ServersUp != 2 || len(vs.RealServers) != 0 {
		t.Errorf("the virtual server: %v", vs)
	}
	if st.Balancer.Read != nil || st.Balancer.Version != "" || st.Balancer.Writes != 3 || st.Balancer.Problem != "" {
		t.Errorf("the balancer: %v", st.Balancer)
	}
	if len(st.Plugins) != 2 {
		t.Errorf("the plugins: %v", st.Plugins)
	}
	if st := b.status(); st.Balancer.Read == nil || st.Balancer.Version == "" {
		t.Errorf("the balancer of the whole status: %v", st.Balancer)
	}
}

func TestADeadServerLeavesTheTableAndComesBack(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.up("one", false)
	st := b.eventually("the dead one is out", func(st *controlv1.StatusResponse) bool {
		return strings.HasPrefix(states(st), "down - ") && strings.HasSuffix(states(st), ", up 1") &&
			st.VirtualServers[0].RealServers[0].Active == 0 // the kernel is told a moment later
	})
	if !strings.Contains(states(st), "no one") {
		t.Errorf("the reason is not there: %s", states(st))
	}
	if rs := st.VirtualServers[0].RealServers; rs[0].Active != 0 || rs[1].Active != 7 {
		t.Errorf("connections are %d and %d, want 0 of the one that is out of the kernel and 7 of the other", rs[0].Active, rs[1].Active)
	}
	b.up("one", true)
	b.eventually("it is back", are("up 3, up 1"))
}

func TestEachChangeOfAWeightLeadsBackToTheCheckThatCausedIt(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.up("one", false)
	b.eventually("the dead one is out", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "down") })

	byID := map[uint64]*controlv1.EventsResponse{}
	var last *controlv1.EventsResponse
	for _, e := range b.events() {
		byID[e.Id] = e
		if e.Kind == "weight" && e.From == "3" && e.To == "0" {
			last = e
		}
	}
	var chain []string
	for e := last; e != nil; e = byID[e.Cause] {
		chain = append(chain, e.Kind)
	}
	if got, want := strings.Join(chain, " <- "), "weight <- real_server <- check"; got != want {
		t.Errorf("the chain is %q, want %q", got, want)
	}
}

func TestAReloadWithOneChangedWeightIsOneWrite(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	before := b.status().Balancer.Writes
	b.write(5)
	r, err := b.Reload(t.Context(), &controlv1.ReloadRequest{})
	if err != nil || !r.Ok {
		t.Fatalf("reload: %v, %v", r, err)
	}
	if r.Writes != 1 || b.status().Balancer.Writes != before+1 {
		t.Errorf("it took %d writes, %d by the status; want 1", r.Writes, b.status().Balancer.Writes-before)
	}
	if got := states(b.status()); got != "up 5, up 1" {
		t.Errorf("the servers are %s", got)
	}
	if r, err = b.Reload(t.Context(), &controlv1.ReloadRequest{}); err != nil || !r.Ok || r.Writes != 0 || len(r.Changes) != 0 {
		t.Errorf("the same again: %v, %v; want nothing to be different", r, err)
	}
}

func TestSIGHUPReadsTheConfigurationAgain(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.write(9)
	b.reload <- struct{}{}
	b.eventually("the new weight is in", are("up 9, up 1"))
}

func TestAReloadWithAnErrorChangesNothingAndSaysWhereItIs(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	before := b.status().Balancer.Writes
	b.writeText("virtual_server \"web\" {\n  address = \"192.0.2.1:80\"\n  wait    = 3\n}\n")
	r, err := b.Reload(t.Context(), &controlv1.ReloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Ok || !strings.Contains(r.Diagnostics, "lb.hcl:3,3") {
		t.Errorf("the answer is ok=%v:\n%s", r.Ok, r.Diagnostics)
	}
	st := b.status()
	if states(st) != "up 3, up 1" || st.Balancer.Writes != before {
		t.Errorf("it changed something: %s, %d writes", states(st), st.Balancer.Writes-before)
	}
	if !strings.Contains(st.Configuration.Problem, "lb.hcl:3,3") {
		t.Errorf("the status does not say so: %q", st.Configuration.Problem)
	}
	b.write(3)
	if r, err := b.Reload(t.Context(), &controlv1.ReloadRequest{}); err != nil || !r.Ok {
		t.Fatalf("mended: %v, %v", r, err)
	}
	if p := b.status().Configuration.Problem; p != "" {
		t.Errorf("the problem is gone, and the status still says %q", p)
	}
}

func TestADeadCheckPluginChangesNoVerdictAndComesBack(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.up("two", false)
	b.eventually("one is out", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "up 3, down") })
	var pid int
	for _, p := range b.status().Plugins {
		if p.Name == "check-file" {
			pid = int(p.Pid)
		}
	}
	before := b.status().Balancer.Writes
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.eventually("the plugin is back", func(st *controlv1.StatusResponse) bool {
		if !strings.HasPrefix(states(st), "up 3, down") {
			t.Fatalf("a verdict changed: %s", states(st))
		}
		for _, p := range st.Plugins {
			if p.Name == "check-file" {
				return p.Restarts == 1 && p.State == "running" && int(p.Pid) != pid
			}
		}
		return false
	})
	b.up("two", true)
	b.eventually("the successor sees the server come back", are("up 3, up 1"))
	if w := b.status().Balancer.Writes - before; w != 1 {
		t.Errorf("there were %d writes, want the one for the server that came back", w)
	}
}

func TestAWeightThatACheckSaysReachesTheTableAndOutlivesItsPluginAndTheCore(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.says("one", "33")
	b.eventually("a third of its weight", are("up 1, up 1"))
	if got, want := b.status().VirtualServers[0].RealServers[0].WeightReason, "33% of its weight: one says 33"; got != want {
		t.Errorf("the status says %q, want %q", got, want)
	}
	var chain []string
	for _, e := range b.events() {
		if e.Kind == "factor" || e.Kind == "weight" && e.From == "3" {
			chain = append(chain, fmt.Sprintf("%s %s->%s: %s", e.Kind, e.From, e.To, e.Reason))
		}
	}
	if diff := cmp.Diff([]string{"factor none->33%: one says 33", "weight 3->1: 33% of its weight: one says 33"}, chain); diff != "" {
		t.Errorf("the events (-want +got):\n%s", diff)
	}

	never := func(st *controlv1.StatusResponse) {
		if states(st) != "up 1, up 1" {
			t.Fatalf("the weight changed: %s", states(st))
		}
	}
	var pid int
	for _, p := range b.status().Plugins {
		if p.Name == "check-file" {
			pid = int(p.Pid)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.eventually("the plugin is back and has looked", func(st *controlv1.StatusResponse) bool {
		never(st)
		for _, p := range st.Plugins {
			if p.Name == "check-file" && p.Restarts == 1 && p.State == "running" {
				return true
			}
		}
		return false
	})
	for range 10 {
		time.Sleep(20 * time.Millisecond)
		never(b.status())
	}

	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.start()
	for range 10 {
		never(b.status())
		time.Sleep(20 * time.Millisecond)
	}
	b.says("one", "0")
	b.eventually("it is drained", are("up 0, up 1"))
	b.up("one", true)
	b.eventually("it has its weight again", are("up 3, up 1"))
}

func TestADeadBalancerIsGivenTheWholeTableAgain(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	var pid int
	for _, p := range b.status().Plugins {
		if p.Name == "ipvs" {
			pid = int(p.Pid)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.eventually("the successor holds both servers", func(st *controlv1.StatusResponse) bool {
		rs := st.VirtualServers[0].RealServers
		return st.Balancer.Problem == "" && rs[0].Active == 7 && rs[1].Active == 7
	})
}

func TestARestartRemembersTheVerdicts(t *testing.T) {
	b := newBox(t)
	b.start()
	b.up("one", false)
	b.eventually("one is out", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "down") })
	since := b.status().VirtualServers[0].RealServers[1].Since.AsTime()
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	last := uint64(0)
	b.start()
	if got := states(b.status()); !strings.HasPrefix(got, "down - ") || !strings.HasSuffix(got, ", up 1") {
		t.Errorf("right after the start the servers are %q", got)
	}
	if got := b.status().VirtualServers[0].RealServers[1].Since.AsTime(); got.Sub(since).Abs() > 50*time.Millisecond {
		t.Errorf("the healthy one is up since %v, want about %v: nothing happened to it", got, since)
	}
	for _, e := range b.events() {
		if e.Id <= last {
			t.Errorf("event %d comes after %d", e.Id, last)
		}
		last = e.Id
	}
}

func TestAStartWithABrokenFileRunsTheLastGoodConfiguration(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.writeText("virtual_server {\n")
	b.start()
	st := b.eventually("it runs what it ran", are("up 3, up 1"))
	if p := st.Configuration.Problem; !strings.Contains(p, "last good configuration") || !strings.Contains(p, "lb.hcl:1") {
		t.Errorf("the status does not say so: %q", p)
	}
}

func TestAFirstStartWithABrokenFileIsAnErrorWithItsDiagnostics(t *testing.T) {
	b := newBox(t)
	b.writeText("virtual_server {\n")
	err := Run(t.Context(), Options{
		Paths: []string{b.config}, StateDir: filepath.Join(b.dir, "state"), RunDir: filepath.Join(b.dir, "run"),
		Socket: filepath.Join(b.dir, "control.sock"), Builtin: testPlugins(), Logger: hclog.NewNullLogger(),
	})
	var ce *ConfigError
	if !errors.As(err, &ce) || !strings.Contains(ce.Text, "lb.hcl:1") {
		t.Errorf("got %v", err)
	}
}

func TestAKernelWithoutIPVSIsAnErrorAtTheStart(t *testing.T) {
	b := newBox(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	flag := filepath.Join(os.TempDir(), fmt.Sprintf("evenkeel-test-no-ipvs-%d", os.Getpid()))
	if err := os.WriteFile(flag, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(flag)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = Run(ctx, Options{
		Paths: []string{b.config}, StateDir: filepath.Join(b.dir, "state"), RunDir: filepath.Join(b.dir, "run"),
		Socket: filepath.Join(b.dir, "control.sock"), Self: self, Builtin: testPlugins(), Logger: hclog.NewNullLogger(),
	})
	if err == nil || !strings.Contains(err.Error(), "modprobe ip_vs") {
		t.Errorf("got %v", err)
	}
}

func TestTwoDaemonsDoNotShareAStateFolder(t *testing.T) {
	b := newBox(t)
	b.start()
	err := Run(t.Context(), Options{
		Paths: []string{b.config}, StateDir: filepath.Join(b.dir, "state"), RunDir: filepath.Join(b.dir, "run2"),
		Socket: filepath.Join(b.dir, "control2.sock"), Builtin: testPlugins(), Logger: hclog.NewNullLogger(),
	})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("got %v, want to be told who has it", err)
	}
}
