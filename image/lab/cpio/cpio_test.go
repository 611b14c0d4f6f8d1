package cpio_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/image/lab/cpio"
)

// archive has one of each kind of entry.
func archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for _, err := range []error{
		w.File("/etc/evenkeel/evenkeel.hcl", 0o640, []byte("director {}\n")),
		w.File("etc/odd", 0o755, []byte("abc")),
		w.Symlink("/var/run", "/run"),
		w.Dir("/empty"),
		w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestArchiveEndsOnABlock(t *testing.T) {
	if n := len(archive(t)); n%512 != 0 {
		t.Errorf("the archive has %d bytes, which is no multiple of 512", n)
	}
}

func TestFolderIsWrittenOnceAndBeforeItsFiles(t *testing.T) {
	b := archive(t)
	if n := bytes.Count(b, []byte("etc\x00")); n != 1 {
		t.Errorf("folder etc was written %d times, want 1", n)
	}
	if bytes.Index(b, []byte("etc\x00")) > bytes.Index(b, []byte("etc/odd\x00")) {
		t.Error("folder etc was written after its file")
	}
}

// The witness is busybox's cpio, which reads what the kernel reads.
func TestBusyboxUnpacksIt(t *testing.T) {
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("busybox is not installed")
	}
	dir := t.TempDir()
	cmd := exec.Command("busybox", "cpio", "-idm")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(archive(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("busybox cpio: %v\n%s", err, out)
	}
	for name, want := range map[string]string{"etc/evenkeel/evenkeel.hcl": "director {}\n", "etc/odd": "abc"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "etc/evenkeel/evenkeel.hcl")); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode: got %v, %v, want 0640", st.Mode(), err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "var/run")); err != nil || !strings.HasSuffix(to, "run") {
		t.Errorf("symbolic link: got %q, %v, want /run", to, err)
	}
	if st, err := os.Stat(filepath.Join(dir, "empty")); err != nil || !st.IsDir() {
		t.Errorf("empty folder: %v", err)
	}
}
