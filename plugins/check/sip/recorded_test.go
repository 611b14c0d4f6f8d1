package sip

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// branch finds that of a request.
var branch = regexp.MustCompile(`branch=([^;\r]*)`)

// The folder testdata has answers as servers gave them, each after its verdict, with BRANCH for the request's branch.
func TestRecordedAnswers(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are none: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want, answer, _ := strings.Cut(string(text), "\n")
		want = strings.TrimPrefix(want, "up")
		answer = strings.ReplaceAll(answer, "\n", "\r\n")
		again := func(request string) string {
			return strings.Replace(answer, "BRANCH", branch.FindStringSubmatch(request)[1], 1)
		}
		for config, server := range map[string]sdk.Target{
			`{}`:                 changed(t, func(r string) []string { return []string{again(r)} }),
			`{"protocol":"tcp"}`: saysTCP(t, again),
		} {
			if got := ask(t, server, config, want); got != want {
				t.Errorf("%s, %s:\ngot  %q\nwant %q", f, config, got, want)
			}
		}
	}
}
