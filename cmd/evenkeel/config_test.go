package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/appliance/archive"
)

// onBox runs a command of "config" on an archive of its own; no evenkeel runs.
func onBox(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(append([]string{"--socket", filepath.Join(dir, "none.sock"), "config", "--dir", filepath.Join(dir, "config")}, args...))
	err := root.Execute()
	return out.String(), err
}

func TestConfigKeepsAHistoryAndGoesBack(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "evenkeel.hcl")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := func(args ...string) string {
		t.Helper()
		out, err := onBox(t, dir, args...)
		if err != nil {
			t.Fatalf("config %s: %v", strings.Join(args, " "), err)
		}
		return out
	}
	write("director { name = \"one\" }\n")
	good("save", file, "-m", "the first")
	write("director { name = \"two\" }\n")
	if out := good("save", file); !strings.Contains(out, "version 2 is in use\n") {
		t.Errorf("save says %q", out)
	}
	write("direktor {}\n")
	if _, err := onBox(t, dir, "save", file); err == nil || !strings.Contains(err.Error(), `There is no block "direktor" here`) || strings.Contains(err.Error(), "check-") {
		t.Errorf("a wrong one: %v", err)
	}
	export := filepath.Join(dir, "box.tar.gz")
	good("export", export, "1")
	good("rollback", "1")
	if out := good("show"); !strings.Contains(out, `name = "one"`) {
		t.Errorf("show says %q", out)
	}
	good("rollback", "2")
	good("import", export)
	history := good("history")
	if lines := strings.Split(strings.TrimSpace(history), "\n"); len(lines) != 6 || !strings.HasPrefix(lines[1], "5        in use") || !strings.HasSuffix(lines[5], "the first") {
		t.Errorf("the history is\n%s", history)
	}

	write("director { name = \"three\" }\n")
	if out := good("diff", "2", "1"); !strings.Contains(out, "-director { name = \"two\" }\n+director { name = \"one\" }\n") {
		t.Errorf("diff says %q", out)
	}
	if out := good("diff", "1"); out != "versions 1 and 5 are the same\n" {
		t.Errorf("diff says %q", out)
	}
	// Where nobody guards the configuration the command does it itself.
	start := time.Now()
	if out := good("apply", file, "--confirm", "1s"); !strings.Contains(out, "Version 5 comes back in 1s. To keep what is in use now: evenkeel config confirm") ||
		!strings.Contains(out, "back to version 5: the change was not confirmed") || time.Since(start) < time.Second {
		t.Errorf("apply says %q", out)
	}
	if out := good("show"); !strings.Contains(out, `name = "one"`) {
		t.Errorf("after it, show says %q", out)
	}
	if out := good("confirm"); out != "nothing waits to be confirmed\n" {
		t.Errorf("confirm says %q", out)
	}
}

// A program of its own makes the change, and is gone; the guard is killed, and another one goes back.
func TestAChangeGoesBackWhoeverDies(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.hcl"), filepath.Join(dir, "second.hcl")
	for path, name := range map[string]string{first: "one", second: "two"} {
		if err := os.WriteFile(path, []byte("director { name = \""+name+"\" }\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := onBox(t, dir, "apply", first); err != nil {
		t.Fatal(err)
	}
	guarding := func() *exec.Cmd {
		t.Helper()
		c := program(t, "--socket", filepath.Join(dir, "none.sock"), "config", "--dir", filepath.Join(dir, "config"), "guard")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		a := &archive.Archive{Dir: filepath.Join(dir, "config")}
		eventually(t, "the configuration is guarded", a.Guarded)
		return c
	}
	shown := func() string {
		t.Helper()
		out, err := onBox(t, dir, "show")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	g := guarding()
	out, err := onBox(t, dir, "apply", second, "--confirm", "2s")
	if err != nil || !strings.Contains(out, "Version 1 comes back in 2s") || strings.Contains(out, "waits") {
		t.Fatalf("apply: %v\n%s", err, out)
	}
	if !strings.Contains(shown(), "two") {
		t.Error("what was applied is not in use")
	}
	killed(t, g)
	time.Sleep(2100 * time.Millisecond) // beyond the time, with nobody there
	if !strings.Contains(shown(), "two") {
		t.Error("somebody went back")
	}
	g = guarding()
	eventually(t, "the next guard has gone back", func() bool { return strings.Contains(shown(), "one") })

	if out, err = onBox(t, dir, "apply", second, "--confirm", "1h"); err != nil {
		t.Fatal(err, out)
	}
	if out, err = onBox(t, dir, "confirm"); err != nil || out != "version 4 is kept\n" {
		t.Errorf("confirm: %v\n%s", err, out)
	}
	// A power cut in the middle of a trial: the start of the box goes back.
	if out, err = onBox(t, dir, "apply", first, "--confirm", "1h"); err != nil {
		t.Fatal(err, out)
	}
	killed(t, g)
	if out, err = onBox(t, dir, "acquire"); err != nil || !strings.Contains(out, "a change was not confirmed before the box started again") || !strings.Contains(shown(), "two") {
		t.Errorf("acquire: %v\n%s\n%s", err, out, shown())
	}
}

// program is this test binary as evenkeel.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "evenkeel") // by this name it is: see testscript.Main
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Stderr = os.Stderr
	return c
}

func killed(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // its end is a signal
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}
