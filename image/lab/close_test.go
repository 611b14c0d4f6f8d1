package lab_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
)

func id(l *lab.Lab) string { return strings.TrimSuffix(l.Client.Namespace(), "-client") }

func TestVMTwoLabsSideBySide(t *testing.T) {
	need(t, lab.UML)
	a := newLab(t, lab.Options{RealServers: 1})
	b := newLab(t, lab.Options{RealServers: 1})
	for name, l := range map[string]*lab.Lab{"a": a, "b": b} {
		run(t, l.Directors[0], "hostname "+name)
	}
	for name, l := range map[string]*lab.Lab{"a\n": a, "b\n": b} {
		if got := run(t, l.Directors[0], "hostname"); got != name {
			t.Errorf("a director says it is %q, want %q", got, name)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if l := of(id(a), left(t)); len(l) > 0 {
		t.Errorf("after Close there is still %q", l)
	}
	if got := run(t, b.Directors[0], "hostname"); got != "b\n" {
		t.Errorf("after the other lab's end, director b says it is %q", got)
	}
}

func TestVMLabEndsWithItsContext(t *testing.T) {
	need(t, lab.UML)
	ctx, cancel := context.WithCancel(ctx)
	l, err := lab.New(ctx, lab.Options{Agent: agent(t), RealServers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if len(of(id(l), left(t))) == 0 {
		t.Fatal("nothing is seen of a lab that is up")
	}
	cancel()
	gone(t, id(l))
}

// gone waits until nothing is seen of a lab.
func gone(t *testing.T, id string) {
	t.Helper()
	var l []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if l = of(id, left(t)); len(l) == 0 {
			break
		}
	}
	if len(l) > 0 {
		t.Errorf("there is still %q", l)
	}
	if _, err := os.Stat(filepath.Join("/run/evenkeel-lab", id)); err == nil && len(l) == 0 {
		time.Sleep(100 * time.Millisecond) // the folder goes last
		if _, err := os.Stat(filepath.Join("/run/evenkeel-lab", id)); err == nil {
			t.Errorf("its folder is still there")
		}
	}
}

// hold runs "evenkeel-lab hold" and returns it when it is up, and its lab's name.
func hold(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(agent(t), "hold")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = io.Discard
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	if _, err := io.WriteString(in, "client ip netns identify\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSuffix(strings.TrimSpace(line), "-client")
}

func TestVMSignalEndsALab(t *testing.T) {
	need(t, lab.UML)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		cmd, id := hold(t)
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		gone(t, id)
	}
}

func TestVMKilledLabIsRemovedByTheNext(t *testing.T) {
	need(t, lab.UML)
	cmd, id := hold(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	time.Sleep(300 * time.Millisecond)
	for _, l := range of(id, left(t)) {
		if strings.Contains(l, "cmdline") {
			t.Errorf("a process outlived its lab: %s", l)
		}
	}
	newLab(t, lab.Options{Directors: -1, RealServers: -1})
	gone(t, id)
}
