package sdktest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Recordings plays the conversations in the folder testdata, as servers had them, and complains if a probe finds another
// verdict than the file has. A file's first line is the configuration, its second "up" or the reason, and the others are
// as with Script.
func Recordings(t *testing.T, p sdk.Plugin) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Error("there are none")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
		if len(lines) < 3 {
			t.Errorf("%s has no conversation", f)
			continue
		}
		want := strings.TrimPrefix(lines[1], "up")
		if got := Ask(t, p, TargetAt(Script(t, nil, lines[2:]...)), lines[0], 2*time.Second); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", f, got, want)
		}
	}
}
