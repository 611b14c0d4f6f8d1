package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/plugins/sdk/peercred"
)

// TestMain makes this binary a plugin, and one that talks to a plugin, when a test starts it again.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("SDK_TEST") == "plugin":
		Serve(checkPlugin())
		os.Exit(0)
	case os.Getenv("SDK_TEST") == "stranger":
		_, err := describeAt(os.Args[1])
		fmt.Println(err)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// again starts this binary as something else.
func again(as string, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), "SDK_TEST="+as)
	return c
}

// describeAt connects to a plugin's socket and asks what it is.
func describeAt(path string) (Info, error) {
	conn, err := grpc.NewClient("unix:"+path,
		grpc.WithTransportCredentials(peercred.New(func(peercred.Peer) error { return nil })))
	if err != nil {
		return Info{}, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return NewPluginClient(conn).Describe(ctx, "test", false)
}

// A served plugin is a process that has shown its handshake.
type servedPlugin struct {
	*exec.Cmd
	socket string
	stderr *bytes.Buffer
}

func startPlugin(t *testing.T, env ...string) *servedPlugin {
	t.Helper()
	dir, err := os.MkdirTemp("", "sdk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	h := Handshake()
	p := &servedPlugin{Cmd: again("plugin"), stderr: &bytes.Buffer{}}
	p.Env = append(p.Env, h.MagicCookieKey+"="+h.MagicCookieValue, "PLUGIN_UNIX_SOCKET_DIR="+dir, "PLUGIN_PROTOCOL_VERSIONS=1")
	p.Env = append(p.Env, env...)
	p.Stderr = p.stderr
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	f := strings.Split(line, "|")
	if err != nil || len(f) < 5 || f[0] != "1" || f[1] != "1" || f[2] != "unix" || f[4] != "grpc" {
		t.Fatalf("the handshake is %q, %v", line, err)
	}
	p.socket = f[3]
	return p
}

// ends waits for the end of the process.
func (p *servedPlugin) ends(t *testing.T) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("it ends with %v:\n%s", err, p.stderr)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

func TestAPluginSaysWhatItIs(t *testing.T) {
	out, err := again("plugin", "describe").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Kind, Name, Version string
		Protocol            int
		Schema              struct {
			Attributes []struct{ Name, Type, Default, Doc string }
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if got.Kind != "check" || got.Name != "sample" || got.Protocol != 1 || got.Schema.Attributes[0].Default != "/" {
		t.Errorf("it says %s", out)
	}
}

func TestAPluginIsNotStartedByHand(t *testing.T) {
	out, err := again("plugin").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "This is evenkeel's plugin check-sample.") {
		t.Errorf("it says %s, %v", out, err)
	}
}

func TestSIGTERMEndsAPluginInOrder(t *testing.T) {
	p := startPlugin(t)
	if info, err := describeAt(p.socket); err != nil || info.Name != "sample" {
		t.Fatalf("it says of itself %+v, %v", info, err)
	}
	p.Process.Signal(syscall.SIGTERM)
	p.ends(t)
}

func TestSIGTERMEndsAPluginThatNobodyHasGreeted(t *testing.T) {
	p := startPlugin(t)
	p.Process.Signal(syscall.SIGTERM)
	p.ends(t)
}

func TestAPluginEndsWithoutBeats(t *testing.T) {
	p := startPlugin(t, EnvLease+"=300ms")
	conn, err := grpc.NewClient("unix:"+p.socket,
		grpc.WithTransportCredentials(peercred.New(func(peercred.Peer) error { return nil })))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	if err := NewPluginClient(conn).Session(ctx, time.Hour, time.Hour, nil); err == nil { // one beat, and then none
		t.Error("the session goes on")
	}
	p.ends(t)
	if d := time.Since(began); d < 300*time.Millisecond || d > 5*time.Second {
		t.Errorf("it ends after %s, want its lease of 300ms", d)
	}
	if !strings.Contains(p.stderr.String(), "the core is gone, ending") {
		t.Errorf("its log says %s", p.stderr)
	}
}

func TestAPluginDoesNotTalkToStrangers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	p := startPlugin(t)
	if err := os.Chmod(p.socket, 0o777); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	stranger := again("stranger", p.socket)
	stranger.Path, stranger.ExtraFiles = "/proc/self/fd/3", []*os.File{exe}
	stranger.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := stranger.CombinedOutput()
	if err != nil || strings.HasPrefix(string(out), "<nil>") {
		t.Errorf("a stranger is told: %s, %v", out, err)
	}
	if _, err := describeAt(p.socket); err != nil {
		t.Errorf("the core is told: %v", err)
	}
	p.Process.Signal(syscall.SIGTERM)
	p.ends(t)
}

func TestRootAndTheCoresUserAreTheCore(t *testing.T) {
	accept := fromCore(1000)
	for uid, want := range map[int]bool{0: true, 1000: true, 1001: false, 65534: false} {
		if err := accept(peercred.Peer{PID: 1, UID: uid}); (err == nil) != want {
			t.Errorf("user %d: %v", uid, err)
		}
	}
}

func TestAConnectionThatIsNoUnixSocketHasNoPeer(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := peercred.Of(a); err == nil {
		t.Error("a pipe has a peer")
	}
}
