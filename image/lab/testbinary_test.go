package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResultsAreReadFromWhatATestBinaryPrints(t *testing.T) {
	text := `=== RUN   TestVMApply
    apply_test.go:7: before
=== RUN   TestVMApply/dr
=== RUN   TestVMApply/nat
    apply_test.go:9: table differs:
        +web
--- FAIL: TestVMApply (0.30s)
    --- PASS: TestVMApply/dr (0.10s)
    --- FAIL: TestVMApply/nat (0.20s)
=== RUN   TestVMGue
    gue_test.go:5: no fou module
--- SKIP: TestVMGue (0.00s)
FAIL
`
	want := []TestResult{
		{"TestVMApply", "FAIL", "    apply_test.go:7: before\n"},
		{"TestVMApply/dr", "PASS", ""},
		{"TestVMApply/nat", "FAIL", "    apply_test.go:9: table differs:\n        +web\n"},
		{"TestVMGue", "SKIP", "    gue_test.go:5: no fou module\n"},
	}
	if d := cmp.Diff(want, parseTestOutput(text)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestBinaryThatPanicsHasAFailedTestOrNone(t *testing.T) {
	results := parseTestOutput("=== RUN   TestVMApply\npanic: boom\n\ngoroutine 1 [running]:\n")
	if len(results) != 0 || anyFailed(results) {
		t.Errorf("got %+v, want no result, so that the exit code is the error", results)
	}
}
