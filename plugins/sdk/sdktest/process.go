package sdktest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A Process is a real server from Debian that a test starts as its own child.
type Process struct {
	Package string   // the Debian package, for who has not got it
	Command []string // the whole path and the arguments; it stays in the foreground
	Log     string   // a file with more to say than the output, if it has one
	Listens []net.Addr
	Ready   func() bool // whether it serves, for one that does not listen by TCP; nil: listening is enough
}

// Start starts the server, waits until it listens at all its addresses of TCP and is ready, and ends it with the test.
// Without its package the test is skipped.
func (p Process) Start(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(p.Command[0]); err != nil {
		t.Skipf("it is not installed (apt-get install %s): %v", p.Package, err)
	}
	var output bytes.Buffer
	cmd := exec.Command(p.Command[0], p.Command[1:]...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its children are ended with it
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it has left
		<-ended
	})
	for _, a := range p.Listens {
		if listens(a, ended) {
			continue
		}
		cmd.Process.Kill()
		<-ended
		log, _ := os.ReadFile(p.Log)
		t.Fatalf("%s does not listen at %s: %s%s", p.Command[0], a, output.Bytes(), log)
	}
	if p.Ready != nil && !until(p.Ready, ended) {
		cmd.Process.Kill()
		<-ended
		log, _ := os.ReadFile(p.Log)
		t.Fatalf("%s does not serve: %s%s", p.Command[0], output.Bytes(), log)
	}
}

// listens waits until somebody listens at an address, for a while.
func listens(a net.Addr, ended <-chan struct{}) bool {
	return until(func() bool {
		c, err := net.Dial(a.Network(), a.String())
		if err == nil {
			c.Close()
		}
		return err == nil
	}, ended)
}

// until waits until ready says so, for a while.
func until(ready func() bool, ended <-chan struct{}) bool {
	for range 400 {
		if ready() {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(25 * time.Millisecond):
		}
	}
	return false
}

// OpenDir makes a folder that everybody may enter: servers that root starts become somebody else. It is removed with the
// test.
func OpenDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evenkeel-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// WriteFile writes a file that everybody may read into a folder, and returns its path.
func WriteFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	return File(t, filepath.Join(dir, name), text)
}

// File writes a file that everybody may read, and returns its path.
func File(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
