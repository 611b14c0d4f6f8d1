package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An openSSH is a person with OpenSSH's client, and a box.
type openSSH struct {
	t        *testing.T
	dir      string
	evenkeel string // its path
	args     []string
	log      bytes.Buffer // of the box; read it when that has stopped
	box      *exec.Cmd
}

func (o *openSSH) path(name string) string { return filepath.Join(o.dir, name) }

// start starts "evenkeel ssh", as a box's init does.
func (o *openSSH) start() {
	o.t.Helper()
	o.box = exec.Command(o.evenkeel, "ssh", "--access", o.dir, "--host-key", o.path("ssh/host"))
	o.box.Stderr = &o.log
	o.box.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := o.box.Start(); err != nil {
		o.t.Fatal(err)
	}
}

func (o *openSSH) stop() {
	if o.box != nil {
		_ = o.box.Process.Signal(syscall.SIGTERM)
		_ = o.box.Wait() // by its signal
		o.box = nil
	}
}

// run runs ssh with an input. Its exit status is that of the command, or 255.
func (o *openSSH) run(input string, args ...string) (stdout, stderr string, status int) {
	o.t.Helper()
	c := exec.Command("ssh", append(o.args, args...)...)
	var out, wrong bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &wrong
	c.Env = append(os.Environ(), "SSH_ASKPASS="+o.path("askpass"), "SSH_ASKPASS_REQUIRE=force", "TERM=vt100")
	err := c.Run()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		o.t.Fatal(err)
	}
	return out.String(), wrong.String(), c.ProcessState.ExitCode()
}

// works runs ssh until it does: "evenkeel ssh" looks at its files every 2 s.
func (o *openSSH) works(args ...string) {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		_, wrong, status := o.run("", args...)
		if status == 0 {
			return
		}
		if time.Now().After(end) {
			o.stop()
			o.t.Fatalf("ssh %q: status %d\n%s\n%s", args, status, wrong, &o.log)
		}
	}
}

func (o *openSSH) write(name, text string, mode os.FileMode) {
	o.t.Helper()
	if err := os.WriteFile(o.path(name), []byte(text), mode); err != nil {
		o.t.Fatal(err)
	}
}

// refused says whether nobody listens.
func (o *openSSH) refused() bool {
	_, wrong, status := o.run("", "admin@192.0.2.1", "version")
	return status == 255 && strings.Contains(wrong, "Connection refused")
}

// inANamespace runs the rest of a test in a process of its own, which has a network of its own with the address 192.0.2.1. It
// returns true there, and false in the process that was started first.
func inANamespace(t *testing.T) bool {
	t.Helper()
	const inside = "EVENKEEL_TEST_INSIDE"
	if os.Getenv(inside) != "" {
		for _, args := range [][]string{{"link", "set", "lo", "up"}, {"address", "add", "192.0.2.1/32", "dev", "lo"}} {
			if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				t.Fatalf("ip %q: %v\n%s", args, err, out)
			}
		}
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("makes a network namespace, which takes root")
	}
	c := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.timeout", "3m")
	c.Env = append(os.Environ(), inside+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

func TestNSOpenSSHFindsTheMenuAndTheCommands(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("OpenSSH's client (openssh-client) is not installed")
	}
	if !inANamespace(t) {
		return
	}
	o := &openSSH{t: t, dir: t.TempDir()}
	// Under this name the test's program is evenkeel, for its children too.
	o.evenkeel = o.path("evenkeel")
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	o.write("evenkeel", string(program), 0o700)
	o.write("askpass", "#!/bin/sh\ncat "+o.path("typed")+"\n", 0o700)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice@laptop", "-f", o.path("id")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o.args = []string{"-F", "none", "-i", o.path("id"), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=accept-new",
		"-o", "UserKnownHostsFile=" + o.path("known_hosts"), "-o", "PreferredAuthentications=publickey"}
	o.start()
	defer o.stop()

	// Off, until there is a key.
	time.Sleep(500 * time.Millisecond)
	if !o.refused() {
		t.Error("without a key and a password the port is open")
	}
	key, err := os.ReadFile(o.path("id.pub"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("authorized_keys", "# the keys\nno-port-forwarding "+string(key), 0o600)
	o.works("admin@192.0.2.1", "version")

	// Commands: words, outputs, status.
	out, wrong, status := o.run("", "root@192.0.2.1", "version")
	if !strings.Contains(out, version) || wrong != "" || status != 0 {
		t.Errorf("version: %q, %q, %d", out, wrong, status)
	}
	out, wrong, status = o.run("", "admin@192.0.2.1", "status", "--no-such-option")
	if out != "" || !strings.Contains(wrong, "no-such-option") || status != 1 {
		t.Errorf("a wrong option: %q, %q, %d", out, wrong, status)
	}
	if _, wrong, status = o.run("", "admin@192.0.2.1", "ls", "/"); !strings.Contains(wrong, "unknown command") || status != 1 {
		t.Errorf("ls: %q, %d", wrong, status)
	}

	// Files: a configuration goes there, and comes back, and it is known who has sent it.
	if err := os.Mkdir(o.path("a b"), 0o700); err != nil {
		t.Fatal(err)
	}
	o.write("a b/lb1.hcl", "director {\n  name = \"lb1\"\n}\n", 0o600)
	config := func(args string) string { return "config --dir '" + o.path("config") + "' " + args }
	if _, wrong, status = o.run("", "admin@192.0.2.1", config("save '"+o.path("a b/lb1.hcl")+"'")); status != 0 {
		t.Fatalf("save: %q, %d", wrong, status)
	}
	exported, wrong, status := o.run("", "admin@192.0.2.1", config("export -"))
	if status != 0 || !strings.HasPrefix(exported, "\x1f\x8b") {
		t.Fatalf("export: %.20q, %q, %d", exported, wrong, status)
	}
	if _, wrong, status = o.run(exported, "admin@192.0.2.1", config("import -")); status != 0 {
		t.Errorf("import: %q, %d", wrong, status)
	}
	if out, _, _ = o.run("", "admin@192.0.2.1", config("history")); !strings.Contains(out, "admin (alice@laptop) from 192.0.2.1") {
		t.Errorf("the history does not say who:\n%s", out)
	}

	// The menu, with a terminal.
	out, wrong, status = o.run("0\r", "-tt", "admin@192.0.2.1")
	if !strings.Contains(out, " 0) log out\r\n") || status != 0 {
		t.Errorf("the menu: %q, %q, %d", out, wrong, status)
	}

	// Nothing else.
	if _, wrong, status = o.run("", "-W", "192.0.2.1:22", "admin@192.0.2.1"); status != 255 || !strings.Contains(wrong, "prohibited") {
		t.Errorf("a port is forwarded: %q, %d", wrong, status)
	}

	// The key of the box stays, also over a restart.
	o.args = append(o.args, "-o", "StrictHostKeyChecking=yes")
	o.stop()
	o.start()
	o.works("-o", "StrictHostKeyChecking=yes", "admin@192.0.2.1", "version")
	known, err := exec.Command("ssh-keygen", "-l", "-f", o.path("known_hosts")).Output()
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := exec.Command(o.evenkeel, "ssh", "--fingerprint", "--host-key", o.path("ssh/host")).Output()
	if err != nil || !strings.Contains(string(known), strings.TrimSpace(string(fingerprint))) {
		t.Errorf("%v: the fingerprint is %s, OpenSSH knows %s", err, fingerprint, known)
	}

	// A password instead of the key.
	if err := os.Remove(o.path("authorized_keys")); err != nil {
		t.Fatal(err)
	}
	set := exec.Command(o.evenkeel, "password", "--password-file", o.path("password"))
	set.Stdin = strings.NewReader("correct horse\ncorrect horse\n")
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	byPassword := []string{"-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1", "-o", "PubkeyAuthentication=no"}
	o.args = append(byPassword, o.args...)
	o.write("typed", "correct horse\n", 0o600)
	o.works("admin@192.0.2.1", "version")
	o.write("typed", "wrong horse\n", 0o600)
	if _, wrong, status = o.run("", "admin@192.0.2.1", "version"); status != 255 || !strings.Contains(wrong, "Permission denied") {
		t.Errorf("a wrong password: %q, %d", wrong, status)
	}

	// Off again.
	if err := os.Remove(o.path("password")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !o.refused(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("without a key and a password it listens on")
		}
	}
	o.stop()
	for _, want := range []string{
		"logged in", "alice@laptop", "command=version", "a login was refused", "not listening any more", fmt.Sprintf("host_key=%s", strings.TrimSpace(string(fingerprint))),
	} {
		if !strings.Contains(strings.ReplaceAll(o.log.String(), `"`, ""), want) {
			t.Errorf("the log does not have %q:\n%s", want, &o.log)
		}
	}
}
