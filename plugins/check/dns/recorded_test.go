package dns

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// The folder testdata has answers as servers gave them, in hexadecimal, each after its verdict and its configuration.
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
		lines := strings.Split(string(text), "\n")
		want := strings.TrimPrefix(lines[0], "up")
		answer, err := hex.DecodeString(lines[2])
		if err != nil {
			t.Fatal(err)
		}
		server := sdktest.Answers(t, func(question []byte) [][]byte {
			return [][]byte{append(append([]byte(nil), question[:2]...), answer[2:]...)} // with the ID of this question
		})
		if got := ask(t, server, lines[1], want); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", f, got, want)
		}
	}
}
