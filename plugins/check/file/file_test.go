package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB) *prober {
	p := newProber(sdk.Host{Logger: hclog.NewNullLogger()})
	t.Cleanup(func() { p.Close() })
	return p
}

// means is what a probe makes of a file: "down: REASON", "up", or "33%: REASON", with PATH for its path.
func means(t testing.TB, p *prober, path, missing string) string {
	ctx, said := sdk.Weighing(t.Context())
	got := "up"
	if err := p.Probe(ctx, sdk.Target{}, Config{Path: path, Missing: missing}); err != nil {
		got = "down: " + err.Error()
	} else if f, reason := said(); f != 0 {
		got = f.String() + ": " + reason
	}
	return strings.ReplaceAll(got, path, "PATH")
}

func TestWhatAFileSays(t *testing.T) {
	p, path := open(t), filepath.Join(t.TempDir(), "web1")
	for _, tt := range []struct{ text, want string }{
		{"up\n", "up"},
		{"up", "up"},
		{"50\n", "50%: file PATH says 50%"},
		{"50%\n", "50%: file PATH says 50%"},
		{"  50  \n", "50%: file PATH says 50%"},
		{"0\n", "0%: file PATH says 0%"},
		{"120\r\n", "120%: file PATH says 120%"},
		{"drain # until the disks are new\n", "0%: file PATH says drain: until the disks are new"},
		{"# a comment\n\n80\n40\n", "80%: file PATH says 80%"},
		{"down\n", "down: file PATH says down"},
		{"maint # Anna, until noon\n", "down: file PATH says maint: Anna, until noon"},
		{"", "down: file PATH: there is nothing in it"},
		{"# only a comment\n", "down: file PATH: there is nothing in it"},
		{"enable\n", `down: file PATH says "enable", which is no word of it: up, down, drain, maint, 75%`},
		{"-20\n", `down: file PATH says "-20", which is no word of it: up, down, drain, maint, 75%`},
		{strings.Repeat("7", 10000), "1000%: file PATH says 1000%"},
		{strings.Repeat("\n", 10000) + "drain\n", "down: file PATH: there is nothing in it"},
	} {
		sdktest.File(t, path, tt.text)
		if got := means(t, p, path, "down"); got != tt.want {
			t.Errorf("%.40q:\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

func TestAMissingFileMeansWhatIsWritten(t *testing.T) {
	p, path := open(t), filepath.Join(t.TempDir(), "no", "web1")
	if got := means(t, p, path, "up"); got != "up" {
		t.Errorf("got %s", got)
	}
	if got := means(t, p, path, "down"); got != "down: file PATH: no such file or directory" {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsNoFileIsNotRead(t *testing.T) {
	p, dir := open(t), t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, fifo, "/dev/zero"} {
		if got := means(t, p, path, "up"); got != "down: file PATH: not a file" {
			t.Errorf("%s: got %s", path, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state")
	for _, s := range []string{"50", "up # x", "\n\n#\n", "\xff", "drain,maint"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sdktest.File(t, path, text)
		if line, err := read(path); err == nil && (line == "" || strings.ContainsRune(line, '\n')) {
			t.Errorf("%q is read as %q", text, line)
		}
	})
}

func TestAFileThatIsJustBeingWrittenIsGivenAMoment(t *testing.T) {
	p, path := open(t), filepath.Join(t.TempDir(), "web1")
	sdktest.File(t, path, "")
	written := make(chan struct{})
	go func() {
		defer close(written)
		time.Sleep(50 * time.Millisecond)
		os.WriteFile(path, []byte("drain\n"), 0o644)
	}()
	if got, want := means(t, p, path, "up"), "0%: file PATH says drain"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	<-written
}

// told runs the plugin with one target and returns a function that waits for its next verdict.
func told(t *testing.T, path string) func() sdk.Verdict {
	t.Helper()
	conn, done := sdk.ServeInProcess(Plugin(), nil)
	t.Cleanup(done)
	if _, err := sdk.NewPluginClient(conn).Describe(t.Context(), "test", false); err != nil {
		t.Fatal(err)
	}
	c := sdk.NewCheckerClient(conn)
	err := c.Apply(t.Context(), sdk.TargetUpdate{Generation: 1, Full: true, Targets: []sdk.Target{{
		ID: "web/10.0.0.1:80/file", Config: fmt.Appendf(nil, `{"path":%q,"missing":"up"}`, path),
		Schedule: sdk.Schedule{Interval: time.Hour, Timeout: time.Second, Fall: 1, Rise: 1},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := make(chan sdk.Verdict, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Watch(ctx, func(r sdk.CheckReport) {
			for _, v := range r.Verdicts {
				verdicts <- v
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return func() sdk.Verdict {
		select {
		case v := <-verdicts:
			return v
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was heard")
			return sdk.Verdict{}
		}
	}
}

func TestAChangeIsHeardOfAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web1")
	next := told(t, path)
	expect := func(doing string, state sdk.State, f sdk.Factor) {
		t.Helper()
		for {
			v := next()
			if v.State == sdk.StateUnknown {
				continue // the snapshot before the first probe
			}
			if v.State != state || v.Factor != f {
				t.Fatalf("after %s: %s with %s: %s", doing, v.State, v.Factor, v.Reason)
			}
			return
		}
	}
	expect("the start", sdk.StateUp, 0)
	sdktest.File(t, path, "drain\n")
	expect("creating it", sdk.StateUp, sdk.FactorOf(0))
	sdktest.File(t, filepath.Join(dir, "new"), "50\n")
	if err := os.Rename(filepath.Join(dir, "new"), path); err != nil {
		t.Fatal(err)
	}
	expect("putting another in its place", sdk.StateUp, sdk.FactorOf(50))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect("removing it", sdk.StateUp, 0)
}

func TestAFileThatNobodyAsksForAnyMoreIsNotWatched(t *testing.T) {
	p, dir := open(t), t.TempDir()
	at := time.Now()
	p.watch.now = func() time.Time { return at }
	probe := func(name string) {
		target := sdk.Target{ID: name, Schedule: sdk.Schedule{Interval: 10 * time.Second, Timeout: time.Second}}
		p.Probe(t.Context(), target, Config{Path: filepath.Join(dir, name, "state"), Missing: "up"})
	}
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		probe(name)
	}
	if got := len(p.watch.events.WatchList()); got != 2 {
		t.Errorf("%d folders are watched", got)
	}
	at = at.Add(2 * time.Minute)
	probe("b")
	if got := p.watch.events.WatchList(); len(got) != 1 || got[0] != filepath.Join(dir, "b") || len(p.watch.files) != 1 {
		t.Errorf("watched are %q", got)
	}
}

func TestAFolderThatComesLaterIsWatchedThen(t *testing.T) {
	p, folder := open(t), filepath.Join(t.TempDir(), "drain")
	probe := func() {
		p.Probe(t.Context(), sdk.Target{ID: "a", Schedule: sdk.Schedule{Interval: time.Hour}}, Config{Path: folder + "/web1", Missing: "up"})
	}
	watched := func() bool { p.watch.mu.Lock(); defer p.watch.mu.Unlock(); return p.watch.folders[folder] }
	probe()
	if watched() {
		t.Error("a folder is watched that is not there")
	}
	for range 2 {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		probe()
		if !watched() {
			t.Error("the folder is not watched")
		}
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		for limit := time.Now().Add(5 * time.Second); watched() && time.Now().Before(limit); time.Sleep(time.Millisecond) {
		}
	}
}
