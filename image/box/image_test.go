package box_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/box"
	"github.com/evenkeel/evenkeel/image/tool"
)

// patience is how long a box may take to say something. It fails a test that would otherwise wait for ever, nothing else.
const patience = 2 * time.Minute

// image returns the image that "make test-image" has built.
func image(t *testing.T) string {
	t.Helper()
	img := os.Getenv("EVENKEEL_IMAGE")
	if img == "" {
		t.Skip("EVENKEEL_IMAGE does not name an image to boot: run make test-image")
	}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skipf("no QEMU: %v", err)
	}
	return img
}

// newDisk returns a disk of 1.5 GiB that the image was written to.
func newDisk(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if _, err := (tool.Runner{}).Run(t.Context(), "cp", "--sparse=always", image(t), path); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1536<<20); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := tool.Runner{Env: []string{"MTOOLS_SKIP_CHECK=1"}}.Run(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// cidata returns a disk as NoCloud has it, with a configuration.
func cidata(t *testing.T, configuration string) string {
	t.Helper()
	dir := t.TempDir()
	file, volume := filepath.Join(dir, "evenkeel.hcl"), filepath.Join(dir, "cidata")
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(volume, make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.vfat", "-n", "CIDATA", volume)
	run(t, "mcopy", "-i", volume, file, "::/evenkeel.hcl")
	return volume
}

// A session is a box under test, whose console is read from its beginning to its end.
type session struct {
	*box.Box
	t    *testing.T
	line int
}

// boot powers a box on. Its console is said if the test fails.
func boot(t *testing.T, o box.Options) *session {
	t.Helper()
	if o.Firmware == "" {
		o.Firmware = box.BIOS
	}
	if o.Memory == 0 {
		o.Memory = 512
	}
	b, err := box.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.CutPower()
		if t.Failed() {
			t.Logf("the console:\n%s", b.Console())
		}
	})
	return &session{Box: b, t: t}
}

// says waits for the next line of the console that matches.
func (s *session) says(pattern string) box.Line {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	line, next, err := s.Wait(ctx, s.line, pattern)
	if err != nil {
		s.t.Fatal(err)
	}
	s.line = next
	return line
}
