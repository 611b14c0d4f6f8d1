package sdktest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Daemon starts a real server for a test, as a child of it that stays in the foreground, and returns when ready says that
// it serves. It ends with the test, by SIGTERM, and SIGKILL if it does not listen. deb is the Debian package that has the
// program: without it the test is skipped.
func Daemon(t testing.TB, deb string, ready func() bool, program string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed (apt-get install %s): %v", program, deb, err)
	}
	var output lockedBuffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); cmd.Wait() }()
	t.Cleanup(func() {
		group := -cmd.Process.Pid // with the children of the program's own
		syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
		}
		syscall.Kill(group, syscall.SIGKILL)
		<-ended
	})
	for limit := time.Now().Add(4 * patience); time.Now().Before(limit); time.Sleep(25 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("%s does not start: %s\n%s", program, cmd.ProcessState, output.String())
		default:
		}
		if ready() {
			return
		}
	}
	t.Fatalf("%s does not serve: %s", program, output.String())
}

// A lockedBuffer is what a program prints.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// FreePort returns a target on loopback whose port nobody has, neither by UDP nor by TCP.
func FreePort(t testing.TB) sdk.Target {
	t.Helper()
	for range 20 {
		c := datagramSocket(t)
		c.Close()
		l, err := net.Listen("tcp", c.LocalAddr().String())
		if err == nil {
			l.Close()
			return targetOf(c)
		}
	}
	t.Fatal("there is no free port on loopback")
	return sdk.Target{}
}

// File writes a file of a test's, a configuration, and returns its name.
func File(t testing.TB, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
