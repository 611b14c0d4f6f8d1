package supervisor

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// holder is the vrrp plugin of these tests. Each of its incarnations goes to met.
func holder(met chan<- *Instance) Plugin {
	return Plugin{Kind: sdk.KindVRRP, Name: "vrrp", Builtin: true, Attach: func(ctx context.Context, in *Instance) error {
		met <- in
		<-ctx.Done()
		return ctx.Err()
	}}
}

// meets returns the next incarnation, and what its folder has.
func meets(t *testing.T, b *bench, met <-chan *Instance) (in *Instance, notes string) {
	t.Helper()
	select {
	case in = <-met:
	case <-time.After(patience):
		t.Fatalf("no plugin is attached\n%s", b.log)
	}
	s, err := in.VRRP().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return in, s.Privileges
}

func in(dir string) func(*Options) { return func(o *Options) { o.RunDir = dir } }

// runDir returns a folder that plugins of any user may pass through.
func runDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sv")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// killedCore starts a core whose only plugin is vrrp, from a binary, kills it, and returns the plugin's process.
func killedCore(t *testing.T, self, dir string) (pid int) {
	t.Helper()
	core := exec.Command(self)
	core.Env = append(os.Environ(), "SUPERVISOR_TEST_CORE="+dir, "SUPERVISOR_TEST_ALONE=1")
	out, err := core.StdoutPipe()
	if err == nil {
		err = core.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanf(out, "vrrp %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	core.Process.Kill()
	core.Wait()
	t.Cleanup(func() {
		if alive(pid) {
			kill(pid)
			t.Errorf("the plugin, process %d, is left", pid)
		}
	})
	return pid
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// copyOf returns another file with the same content.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	from, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(runDir(t), "binary"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

func TestACoreTakesOverThePluginOfOneThatWasKilled(t *testing.T) {
	dir := runDir(t)
	pid := killedCore(t, self(t), dir)
	b := newBench(t, in(dir))
	if !b.Lingers("vrrp") {
		t.Error("the plugin is not seen")
	}
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	got, notes := meets(t, b, met)
	if got.PID != pid || notes != fmt.Sprintf("process %d", pid) {
		t.Errorf("process %d is attached, in whose folder is %q; want %d alone", got.PID, notes, pid)
	}
	if s := b.awaitState("vrrp", Running); s.PID != pid || s.Version != "1" || s.Restarts != 0 {
		t.Errorf("its status is %+v", s)
	}
	if err := got.VRRP().Command(t.Context(), sdk.VRRPCommand{Instance: "VI_1", Action: "0s"}); err != nil {
		t.Fatal(err)
	}
	b.awaitLog("a word to the core: instance=VI_1")
	time.Sleep(30 * b.o.Beat) // the session holds
	if !alive(pid) || len(met) > 0 {
		t.Error("what was taken over is gone")
	}
	b.stop()
	if alive(pid) {
		t.Error("what was taken over does not stop")
	}
}

func TestAPluginThatLingersIsTakenOverWithWhatItLoggedMeanwhile(t *testing.T) {
	dir := runDir(t)
	met := make(chan *Instance, 1)
	first := newBench(t, in(dir))
	first.Set([]Plugin{holder(met)})
	was, _ := meets(t, first, met)
	if err := was.VRRP().Command(t.Context(), sdk.VRRPCommand{Instance: "between", Action: "100ms"}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context(), Ending{Linger: true}); err != nil {
		t.Fatal(err)
	}
	if !alive(was.PID) {
		t.Fatal("it does not linger")
	}
	time.Sleep(200 * time.Millisecond)
	b := newBench(t, in(dir))
	b.Set([]Plugin{holder(met)})
	is, _ := meets(t, b, met)
	if is.PID != was.PID {
		t.Errorf("process %d is attached in the place of %d", is.PID, was.PID)
	}
	b.awaitLog("a word to the core: instance=between")
	delete(first.groups, was.PID) // it is the other's
}

func TestAPluginOfAnotherBinaryGivesItsFolderToASuccessor(t *testing.T) {
	dir := runDir(t)
	pid := killedCore(t, copyOf(t, self(t)), dir)
	b := newBench(t, in(dir))
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	got, notes := meets(t, b, met)
	want := fmt.Sprintf("process %d\nstopped without release\nprocess %d", pid, got.PID)
	if got.PID == pid || notes != want {
		t.Errorf("process %d finds %q in its folder, want %q", got.PID, notes, want)
	}
	b.awaitLog("it is of another binary")
}

func TestAPluginThatDoesNotAnswerIsReplaced(t *testing.T) {
	dir := runDir(t)
	pid := killedCore(t, self(t), dir)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, in(dir), func(o *Options) { o.AdoptTimeout, o.StopTimeout = time.Second, time.Second })
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	got, notes := meets(t, b, met)
	if want := fmt.Sprintf("process %d\nprocess %d", pid, got.PID); got.PID == pid || notes != want {
		t.Errorf("process %d finds %q in its folder, want %q", got.PID, notes, want)
	}
}

func TestAPluginWhoseCoreLivesIsLeftToIt(t *testing.T) {
	dir := runDir(t)
	core := exec.Command(self(t))
	core.Env = append(os.Environ(), "SUPERVISOR_TEST_CORE="+dir, "SUPERVISOR_TEST_ALONE=1")
	out, err := core.StdoutPipe()
	if err == nil {
		err = core.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscanf(out, "vrrp %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, in(dir))
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	s := b.awaitState("vrrp", Backoff)
	if want := fmt.Sprintf("another core runs plugin vrrp here, as process %d", pid); s.LastError != want {
		t.Errorf("the error is %q, want %q", s.LastError, want)
	}
	core.Process.Kill()
	core.Wait()
	if got, _ := meets(t, b, met); got.PID != pid {
		t.Errorf("when its core is dead, process %d is attached, not %d", got.PID, pid)
	}
}

func TestAPluginThatIsFoundBeforeItListensIsReplaced(t *testing.T) {
	dir := runDir(t)
	pid := killedCore(t, self(t), dir)
	b := newBench(t, in(dir))
	made, fd, ok := b.keep.find("vrrp")
	if !ok {
		t.Fatal("there is no trace")
	}
	syscall.Close(fd)
	made.Socket = ""
	if err := b.keep.write("vrrp", made); err != nil {
		t.Fatal(err)
	}
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	if got, _ := meets(t, b, met); got.PID == pid {
		t.Error("it is taken over")
	}
	if alive(pid) {
		t.Error("it is left beside its successor")
	}
}

func TestATraceOfSomebodyElseIsNotFollowed(t *testing.T) {
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer other.Process.Kill()
	started, err := startTime(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for name, made := range map[string]trace{
		"its number is another's by now": {PID: other.Process.Pid, Started: started + 1},
		"it is no more":                  {PID: 1 << 30, Started: 1},
		"it is the first process":        {PID: 1, Started: 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if _, err := b.keep.folder("vrrp", os.Geteuid(), os.Getegid()); err != nil {
				t.Fatal(err)
			}
			if err := b.keep.write("vrrp", made); err != nil {
				t.Fatal(err)
			}
			if b.Lingers("vrrp") {
				t.Error("it lingers")
			}
			met := make(chan *Instance, 1)
			b.Set([]Plugin{holder(met)})
			if got, _ := meets(t, b, met); got.PID == made.PID {
				t.Error("it was taken over")
			}
			if !alive(other.Process.Pid) {
				t.Error("a process that is nobody's plugin was ended")
			}
		})
	}
}

func TestAKilledPluginHasASuccessor(t *testing.T) {
	b := newBench(t)
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	was, _ := meets(t, b, met)
	began := time.Now()
	kill(was.PID)
	is := <-met
	t.Logf("from the kill to the successor that can be told: %s", time.Since(began))
	s, err := is.VRRP().Status(t.Context())
	if want := fmt.Sprintf("process %d\nprocess %d", was.PID, is.PID); err != nil || s.Privileges != want {
		t.Errorf("the successor finds %q, %v, want %q", s.Privileges, err, want)
	}
}

func TestAPluginThatNobodyWantsGivesUpWhatItHolds(t *testing.T) {
	b := newBench(t)
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	meets(t, b, met)
	b.Set(nil)
	notes := filepath.Join(b.keep.path, "vrrp", "notes")
	b.eventually("it was stopped with release", func() bool {
		_, err := os.Stat(notes)
		return err != nil
	})
}

func TestWhatADeadPluginHeldIsGivenUpByASuccessor(t *testing.T) {
	b := newBench(t)
	met := make(chan *Instance, 10)
	b.Set([]Plugin{holder(met)})
	for range 3 { // so that it is in back-off
		was, _ := meets(t, b, met)
		kill(was.PID)
		b.await("vrrp", "dead", func(s Status) bool { return s.PID != was.PID })
	}
	b.stop()
	if _, err := os.Stat(filepath.Join(b.keep.path, "vrrp", "notes")); err == nil {
		t.Error("what it held is still held, and nobody is there")
	}
}

func TestSIGTERMMakesItGiveUpWhatItHolds(t *testing.T) {
	b := newBench(t)
	met := make(chan *Instance, 2)
	b.Set([]Plugin{holder(met)})
	was, _ := meets(t, b, met)
	if err := syscall.Kill(was.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	is, notes := meets(t, b, met)
	if notes != fmt.Sprintf("process %d", is.PID) {
		t.Errorf("the successor finds %q", notes)
	}
}

func TestThePluginsFolderIsItsOwn(t *testing.T) {
	b := newBench(t)
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	in, _ := meets(t, b, met)
	info, err := os.Stat(filepath.Join(b.keep.path, "vrrp"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder has the mode %v, %v", info.Mode(), err)
	}
	process, err := os.Stat(fmt.Sprintf("/proc/%d", in.PID))
	if err != nil {
		t.Fatal(err)
	}
	if f, p := info.Sys().(*syscall.Stat_t).Uid, process.Sys().(*syscall.Stat_t).Uid; f != p {
		t.Errorf("its folder is user %d's, and it is user %d", f, p)
	}
	if info, err := os.Stat(b.keep.file("vrrp")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its trace has the mode %v, %v", info.Mode(), err)
	}
}
