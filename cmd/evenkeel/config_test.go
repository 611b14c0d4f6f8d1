package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	start := time.Now()
	if out := good("try", file, "--for", "1s"); !strings.Contains(out, "back to version 5: the change was not confirmed") || time.Since(start) < time.Second {
		t.Errorf("try says %q", out)
	}
	if out := good("show"); !strings.Contains(out, `name = "one"`) {
		t.Errorf("after it, show says %q", out)
	}
}
