package supervisor

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func kill(pid int) { syscall.Kill(pid, syscall.SIGKILL) }

// beCore is a core in a process of its own. It says which plugins run, and waits to be killed.
func beCore() {
	s, err := New(Options{RunDir: os.Getenv("SUPERVISOR_TEST_CORE"), Logger: hclog.Default(), Beat: 50 * time.Millisecond, Silence: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	vrrp := Plugin{Kind: sdk.KindVRRP, Name: "vrrp", Builtin: true}
	if os.Getenv("SUPERVISOR_TEST_ALONE") != "" {
		s.Set([]Plugin{vrrp})
	} else {
		s.Set([]Plugin{check("port", nil), check("floods-log", told), check("hangs-in-stop", nil), vrrp})
	}
	for running := 0; running < len(s.Status()); time.Sleep(time.Millisecond) {
		running = 0
		for _, p := range s.Status() {
			if p.State == Running {
				running++
			}
		}
	}
	for _, p := range s.Status() {
		fmt.Println(p.String(), p.PID)
	}
	for {
		time.Sleep(time.Hour)
	}
}

// startCore starts a core, and returns its process and its plugins'.
func startCore(t *testing.T, dir string) (core *exec.Cmd, plugins map[string]int) {
	t.Helper()
	core = exec.Command("/proc/self/exe")
	core.Env = append(os.Environ(), "SUPERVISOR_TEST_CORE="+dir)
	out, err := core.StdoutPipe()
	if err == nil {
		err = core.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	plugins = make(map[string]int)
	for lines := bufio.NewScanner(out); len(plugins) < 4; {
		if !lines.Scan() {
			t.Fatalf("the core ends: %v", core.Wait())
		}
		name, pid, _ := strings.Cut(lines.Text(), " ")
		plugins[name], err = strconv.Atoi(pid)
		if err != nil {
			t.Fatalf("the core says %q", lines.Text())
		}
	}
	return core, plugins
}

func TestNoPluginButVRRPOutlivesACoreThatIsKilled(t *testing.T) {
	dir, err := os.MkdirTemp("", "sv")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	core, plugins := startCore(t, dir)
	core.Process.Kill()
	core.Wait()
	defer kill(plugins["vrrp"])
	for _, name := range []string{"check-port", "check-floods-log", "check-hangs-in-stop"} { // the last one would take its time
		for deadline := time.Now().Add(patience); alive(plugins[name]); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("plugin %s, process %d, has no core and is still there", name, plugins[name])
			}
		}
	}
	time.Sleep(1500 * time.Millisecond) // its lease is over
	if !alive(plugins["vrrp"]) {
		t.Error("the vrrp plugin is gone, and with it the addresses")
	}
}

func TestWhatADeadCoreHasLeftIsSweptAway(t *testing.T) {
	dir, err := os.MkdirTemp("", "sv")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	core, plugins := startCore(t, dir)
	live, err := os.ReadDir(dir + "/p")
	if err != nil || len(live) < 4 {
		t.Fatalf("a core with four plugins has the folders %v, %v", live, err)
	}
	newSupervisor := func() {
		s, err := New(Options{RunDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(t.Context(), Ending{}); err != nil {
			t.Error(err)
		}
	}
	newSupervisor()
	if now, _ := os.ReadDir(dir + "/p"); len(now) != len(live) {
		t.Errorf("of a core that lives, %d of %d folders are left", len(now), len(live))
	}
	core.Process.Kill()
	core.Wait()
	kill(plugins["vrrp"])
	kept, err := newKeep(dir)
	if err != nil {
		t.Fatal(err)
	}
	for len(kept.living()) > 0 {
		time.Sleep(time.Millisecond)
	}
	newSupervisor()
	if left, err := os.ReadDir(dir + "/p"); err == nil {
		t.Errorf("of a core that is dead, there is left %v", left)
	}
}
