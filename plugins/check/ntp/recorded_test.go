package ntp

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// The folder testdata has answers as servers gave them, in hexadecimal, each after its verdict.
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
		want, recorded, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		answer, err := hex.DecodeString(recorded)
		if err != nil {
			t.Fatal(err)
		}
		server := sdktest.Answers(t, func(request []byte) [][]byte {
			copy(answer[origin:], request[transmit:transmit+8]) // as the answer to this request
			return [][]byte{answer}
		})
		if got := ask(t, server, `{"max_stratum":7}`, want); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", f, got, want)
		}
	}
}
