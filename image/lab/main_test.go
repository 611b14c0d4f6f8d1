package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
)

// binaries has the programs that tests need, built when the first test asks for one.
type binaries struct {
	dir  string
	once map[string]func() (string, error)
}

// ctx ends when the tests are told to stop, so that no lab is left behind.
var (
	ctx   context.Context
	built binaries
)

func TestMain(m *testing.M) {
	var stop context.CancelFunc
	ctx, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	dir, err := os.MkdirTemp("", "evenkeel-lab-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = binaries{dir: dir, once: map[string]func() (string, error){}}
	for _, name := range []string{"evenkeel-lab", "evenkeel"} {
		built.once[name] = sync.OnceValues(func() (string, error) {
			file := filepath.Join(dir, name)
			cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "github.com/evenkeel/evenkeel/cmd/"+name)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("build %s: %w: %s", name, err, out)
			}
			return file, nil
		})
	}
	code := m.Run()
	stop()
	os.RemoveAll(dir)
	os.Exit(code)
}

// agent is the static evenkeel-lab that goes into the machines.
func agent(t *testing.T) string {
	t.Helper()
	file, err := built.once["evenkeel-lab"]()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// evenkeel is the binary under test: that of $EVENKEEL, or one built from this tree.
func evenkeel(t *testing.T) string {
	t.Helper()
	if file := os.Getenv("EVENKEEL"); file != "" {
		return file
	}
	file, err := built.once["evenkeel"]()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// need skips a test where no lab with these kinds of machines can be made.
func need(t *testing.T, kinds ...lab.Kind) {
	t.Helper()
	if err := lab.Check(kinds...); err != nil {
		t.Skip(err)
	}
}

// newLab makes a lab that is closed with the test, and fails the test if anything of it is left.
func newLab(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	o.Agent = agent(t)
	l, err := lab.New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// boot boots a machine in a lab of its own.
func boot(t *testing.T, o lab.VMOptions) *lab.VM {
	t.Helper()
	need(t, o.Kind)
	l := newLab(t, lab.Options{Kind: o.Kind, Directors: -1, RealServers: -1})
	o.Name = "vm1"
	v, err := l.Boot(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// run runs a script that must succeed, and returns what it wrote.
func run(t *testing.T, n lab.Node, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, exit, err := n.Run(ctx, script)
	if err != nil {
		t.Fatal(err)
	}
	if exit != 0 {
		t.Fatalf("%s: %q: exit %d\n%s", n.Name(), script, exit, out)
	}
	return out
}

// left lists what is there of labs: network namespaces, and processes whose command line names a lab's folder.
func left(t *testing.T) (list []string) {
	t.Helper()
	names, _ := filepath.Glob("/run/netns/evk*")
	list = append(list, names...)
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && bytes.Contains(b, []byte("/run/evenkeel-lab/evk")) {
			list = append(list, f+": "+strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return list
}

// of keeps the entries that name a lab.
func of(id string, list []string) (kept []string) {
	for _, e := range list {
		if strings.Contains(e, id) {
			kept = append(kept, e)
		}
	}
	return kept
}
