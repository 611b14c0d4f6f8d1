package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/image/tool"
)

// RunTestBinary runs those tests of a package that need the real kernel, named TestVM…, in a machine of a kind: the package
// is compiled with go test -c, and the binary run as root with EVENKEEL_IN_VM=1. It is given by its import path, so that
// this package needs to know nothing of it; its testdata is where it expects it, and there is an interface dummy0. Output is forwarded as it comes.
func (l *Lab) RunTestBinary(ctx context.Context, kind Kind, pkg string, output io.Writer) ([]TestResult, error) {
	dir, err := os.MkdirTemp(l.fabric.dir, "test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-ldflags", "-s -w", "-o", binary, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile the tests of %s: %w: %s", pkg, err, out)
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("package %s has no tests", pkg)
	}
	files := []File{{Path: "/test/test", Source: binary, Mode: 0o755}}
	data, err := testdata(ctx, pkg)
	if err != nil {
		return nil, err
	}
	v, err := l.Boot(ctx, VMOptions{
		Name: "tests", Kind: kind, Modules: []string{"ip_vs"}, Files: append(files, data...),
		Links: []Link{{Front, []string{"10.77.0.9/24", "fd00:77::9/64"}}},
		Setup: "modprobe dummy; ip link set dummy0 up", // which makes dummy0
	})
	if err != nil {
		return nil, err
	}
	defer v.Kill()
	p, err := v.Start(ctx, output, "/bin/sh", "-c", "cd /test && exec env EVENKEEL_IN_VM=1 ./test -test.run '^TestVM' -test.v -test.timeout 10m")
	if err != nil {
		return nil, err
	}
	exit, err := p.Wait(ctx)
	if err != nil {
		return nil, err
	}
	results := parseTestOutput(p.Output())
	if exit != 0 && !anyFailed(results) {
		return results, v.explain(fmt.Errorf("the tests of %s ended with exit code %d: %s", pkg, exit, tool.Tail(p.Output())))
	}
	return results, nil
}

// testdata returns the files of a package's testdata folder, as they are to lie beside the test binary.
func testdata(ctx context.Context, pkg string) ([]File, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("find the folder of %s: %w", pkg, err)
	}
	root := strings.TrimSpace(string(out))
	var files []File
	err = filepath.WalkDir(filepath.Join(root, "testdata"), func(path string, d os.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return filepath.SkipAll
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files = append(files, File{Path: "/test/" + rel, Source: path})
		return nil
	})
	return files, err
}

// A TestResult is how one test in a machine ended.
type TestResult struct {
	Name    string // "TestVMApply/dr"
	Outcome string // "PASS", "FAIL" or "SKIP"
	Output  string // what go test -v printed about it
}

// parseTestOutput reads what a test binary prints with -test.v. Lines between "=== RUN" and the "---" line of a test are its
// own, as are the indented ones after it.
func parseTestOutput(text string) []TestResult {
	var results []TestResult
	output := map[string]string{}
	running := "" // whose lines these are
	for _, line := range strings.SplitAfter(text, "\n") {
		word := strings.Fields(line)
		switch {
		case len(word) >= 3 && word[0] == "===":
			running = word[2]
			continue
		case len(word) >= 3 && word[0] == "---" && strings.HasSuffix(word[1], ":"):
			running = word[2]
			results = append(results, TestResult{Name: running, Outcome: strings.TrimSuffix(word[1], ":")})
			continue
		case len(word) > 0 && (word[0] == "PASS" || word[0] == "FAIL" || word[0] == "ok") && !strings.HasPrefix(line, " "):
			running = ""
		}
		output[running] += line
	}
	for i := range results {
		results[i].Output = output[results[i].Name]
	}
	return results
}

func anyFailed(results []TestResult) bool {
	for _, r := range results {
		if r.Outcome == "FAIL" {
			return true
		}
	}
	return false
}
