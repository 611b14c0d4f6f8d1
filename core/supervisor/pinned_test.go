package supervisor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// thirdParty writes a file into a folder that everybody may enter, and returns the plugin that it is.
func thirdParty(t *testing.T, content []byte, mode os.FileMode) Plugin {
	t.Helper()
	dir, err := os.MkdirTemp("", "sv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "check-port")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return Plugin{Kind: sdk.KindCheck, Name: "port", Path: path, SHA256: hex.EncodeToString(sum[:])}
}

func thisBinary(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// runs starts a plugin that is the check port, and asks it something.
func runs(t *testing.T, b *bench, p Plugin) {
	t.Helper()
	answer := make(chan error, 1)
	p.Attach = func(ctx context.Context, in *Instance) error {
		answer <- in.Checker().Probe(ctx, target("I am here"))
		return nil
	}
	b.Set([]Plugin{p})
	b.awaitState("check-port", Running)
	if err := <-answer; fmt.Sprint(err) != "I am here" {
		t.Errorf("the plugin says %v", err)
	}
}

func TestSomebodyElsesPluginRunsFromItsFile(t *testing.T) {
	runs(t, newBench(t), thirdParty(t, thisBinary(t), 0o755))
}

func TestSomebodyElsesPluginMayBeAScript(t *testing.T) {
	binary := thirdParty(t, thisBinary(t), 0o755)
	script := fmt.Appendf(nil, "#!/bin/sh\nexec %s plugin check-port\n", binary.Path)
	runs(t, newBench(t), thirdParty(t, script, 0o755))
}

func TestAFileThatIsNotWhatWasPinnedIsNotRun(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	script := []byte("#!/bin/sh\ntouch " + marker + "\n")
	other := thirdParty(t, script, 0o755)
	other.SHA256 = strings.Repeat("0", 64)
	missing := thirdParty(t, script, 0o755)
	missing.Path += "-not"
	folder := thirdParty(t, script, 0o755)
	folder.Path = filepath.Dir(folder.Path)
	for _, c := range []struct {
		p    Plugin
		says string
	}{
		{other, "not 0000000000000000"},
		{missing, "no such file"},
		{folder, "is not a regular file"},
		{thirdParty(t, script, 0o644), "is not executable"},
		{thirdParty(t, script, 0o777), "everybody may write"},
	} {
		b := newBench(t)
		b.Set([]Plugin{c.p})
		s := b.await("check-port", "a failure", func(s Status) bool { return s.Restarts > 0 })
		if !strings.Contains(s.LastError, c.says) {
			t.Errorf("the last error is %q, want one with %q", s.LastError, c.says)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("it was run all the same")
	}
}

func TestWhatIsExecutedIsWhatWasChecked(t *testing.T) {
	p := thirdParty(t, []byte("the one that was meant"), 0o755)
	f, err := openPinned(p.Path, p.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	evil := p.Path + ".new"
	if err := os.WriteFile(evil, []byte("another one"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(evil, p.Path); err != nil {
		t.Fatal(err)
	}
	// The new process opens nothing by its path: it has this file as its number 4.
	f.Seek(0, io.SeekStart)
	if got, _ := io.ReadAll(f); string(got) != "the one that was meant" {
		t.Errorf("what would be executed is %q", got)
	}
}

func TestANewFileReplacesTheOldPlugin(t *testing.T) {
	b := newBench(t)
	p := thirdParty(t, thisBinary(t), 0o755)
	b.Set([]Plugin{p})
	first := b.awaitState("check-port", Running)
	q := thirdParty(t, append(thisBinary(t), "a newer version"...), 0o755)
	b.Set([]Plugin{q})
	second := b.await("check-port", "another process", func(s Status) bool { return s.State == Running && s.PID != first.PID })
	if alive(first.PID) {
		t.Errorf("the old one, process %d, runs beside the new one, %d", first.PID, second.PID)
	}
	b.eventually("the status lists one plugin", func() bool { return len(b.Status()) == 1 })
}
