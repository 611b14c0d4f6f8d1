package update

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// files are partitions that are files.
type files struct {
	*fakeDisk
	path string
}

func (f files) Open(Slot) (Partition, error) { return OpenDevice(f.path) }

func TestAnUpdateGoesIntoAFileAsIntoAPartition(t *testing.T) {
	s := newSigner(t)
	path := filepath.Join(t.TempDir(), "B")
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xaa}, 48<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDisk(system("1.0"))
	i := installer(t, d, A)
	i.Disk = files{d, path}
	if err := i.Install(t.Context(), s.open(t, s.pack(t, "2.0", nil)), false); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !holds(b, "2.0") || b[40<<10] != 0xaa || len(b) != 48<<10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestAFactoryResetForgetsEverythingAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"config/current", "state/journal", "lost+found/x"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := Reset(dir); done || err != nil {
		t.Errorf("without a note: %v, %v", done, err)
	}
	if err := ResetLater(dir); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 4 {
		t.Errorf("before the start: %v", entries)
	}
	if done, err := Reset(dir); !done || err != nil {
		t.Errorf("at the start: %v, %v", done, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 || entries[0].Name() != "lost+found" {
		t.Errorf("after it: %v", entries)
	}
	if done, err := Reset(dir); done || err != nil {
		t.Errorf("at the start after that: %v, %v", done, err)
	}
}
