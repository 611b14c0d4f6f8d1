package guide

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

func TestNSFromAnEmptyFolderToARunningCheck(t *testing.T) {
	for _, need := range []string{"socat", "protoc"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("%v: make packages-test", err)
		}
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import grpc, google.protobuf").Run(); err != nil {
		t.Skipf("no python3-grpcio, python3-protobuf: make packages-test: %v", err)
	}
	space := netspace.New(t) // the page's ports are everybody's
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := sdktest.OpenDir(t)
	run(t, tree, "go", "build", "-o", bin, "./cmd/evenkeel")
	path := bin + ":" + os.Getenv("PATH")

	p := readPage(t, "../writing-a-check.md")
	fetchModules(t, p, tree, filepath.Join(bin, "evenkeel"))
	dir := sdktest.OpenDir(t)
	output := filepath.Join(t.TempDir(), "output")
	f, err := os.Create(output)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	// A PID namespace: whatever the page has started ends with its shell.
	cmd := exec.CommandContext(ctx, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", p.script())
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, f, f
	cmd.Env = append(os.Environ(), "EVENKEEL="+tree, "PATH="+path, "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	space.Do(cmd.Start)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the page ends with %v", err)
	}
	b, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.differences(string(b)) {
		t.Error(w)
	}
	if t.Failed() {
		logs, _ := filepath.Glob(filepath.Join(dir, "*", "run.log"))
		for _, l := range logs {
			b, _ := os.ReadFile(l)
			t.Logf("%s:\n%s", l, b)
		}
	}
}

// fetchModules does what of the page fetches modules that may not be in the cache: the namespace leads nowhere.
func fetchModules(t *testing.T, p page, tree, evenkeel string) {
	t.Helper()
	dir := t.TempDir()
	for i, s := range p.steps {
		if s.file != "main.go" {
			continue
		}
		sdktest.WriteFile(t, dir, s.file, s.content)
		run(t, dir, "env", "EVENKEEL="+tree, "bash", "-ec", p.steps[i+1].commands)
	}
	run(t, dir, evenkeel, "plugin", "new", "check", "other", "--sdk", tree)
	run(t, filepath.Join(dir, "check-other"), "go", "mod", "tidy")
}

func run(t *testing.T, dir string, command ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

func TestAPageIsReadAsItIsMeant(t *testing.T) {
	const text = "Do:\n```sh\nmkdir a\n```\n\n```go a/main.go\npackage main\n```\n```sh\ncat a/main.go\n```\n```text\npackage main\n```\n"
	p, err := parse(text)
	if err != nil || len(p.steps) != 3 || p.steps[1].file != "a/main.go" || p.steps[2].prints != "package main\n" {
		t.Fatalf("%+v, %v", p, err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", p.script())
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if wrong := p.differences(string(out)); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	for _, bad := range []string{"```sh\nls\n", "```text\nbefore all\n```\n", "```yaml\na: b\n```\n"} {
		if p, err := parse(bad); err == nil {
			t.Errorf("%q is %+v", bad, p)
		}
	}
}

func TestWhatAPageSaysIsPrintedMustBe(t *testing.T) {
	for _, c := range []struct {
		printed, want string
		good          bool
	}{
		{"a\nb\nc\n", "b\nc\n", true},
		{"a  b\t c\n", "a b   c\n", true},
		{"a\nb\nc\n", "a\n...\nc\n", true},
		{"a\nb\nc\n", "a\nc\n", false}, // b is between them
		{"a\nb\n", "b\na\n", false},
		{"since 3s, up\n", "since ..., up\n", true},
		{"since 3s, down\n", "since ..., up\n", false},
		{"abc\n", "b\n", false},
		{"", "a\n", false},
	} {
		if missing := missingIn(c.printed, c.want); (missing == "") != c.good {
			t.Errorf("%q printed, %q wanted: missing is %q", c.printed, c.want, missing)
		}
	}
}

func TestAFailureIsToldWithItsPlace(t *testing.T) {
	p, err := parse("```sh\ntrue\n```\n```sh\nfalse\n```\n```sh\necho late\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "bash", "-c", p.script()).CombinedOutput()
	if err == nil {
		t.Error("the script goes on after a command has failed")
	}
	if wrong := p.differences(string(out)); len(wrong) != 1 || !strings.Contains(wrong[0], "the commands at line 4 fail") {
		t.Errorf("%q", wrong)
	}
}
