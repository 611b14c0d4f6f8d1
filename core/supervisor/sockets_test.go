package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFolderIsForOneIncarnationAndItsUser(t *testing.T) {
	s, err := newSockets(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	uid := os.Geteuid()
	a, err := s.open(uid, uid)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.open(uid, uid)
	if err != nil || a == b {
		t.Fatalf("two incarnations have %s and %s, %v", a, b, err)
	}
	if i, err := os.Stat(a); err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the mode %v, %v", i.Mode(), err)
	}
	if n := len(filepath.Join(a, "plugin1234567890")); n > maxSocketPath {
		t.Errorf("a socket's path has %d bytes", n)
	}
}

func TestAFolderTooLongForSocketsIsRefused(t *testing.T) {
	_, err := New(Options{RunDir: "/tmp/" + strings.Repeat("long/", 14)})
	if err == nil || !strings.Contains(err.Error(), "too long by") {
		t.Errorf("New says %v", err)
	}
}

func TestSweepLeavesTheLivingAlone(t *testing.T) {
	dir := t.TempDir()
	s, err := newSockets(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := s.open(os.Geteuid(), os.Getegid())
	if err != nil {
		t.Fatal(err)
	}
	one, err := startTime(1)
	if err != nil {
		t.Fatal(err)
	}
	init := filepath.Join(s.path, ownerName(1, one)+"-x")     // lives
	before := filepath.Join(s.path, ownerName(1, one+1)+"-x") // had init's number once
	dead := filepath.Join(s.path, ownerName(4194305, 1)+"-x") // above the kernel's largest PID
	odd := filepath.Join(s.path, "odd")
	for _, d := range []string{init, before, dead, odd} {
		if err := os.MkdirAll(filepath.Join(d, "socket"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := newSockets(dir, nil); err != nil {
		t.Fatal(err)
	}
	for d, want := range map[string]bool{mine: true, init: true, before: false, dead: false, odd: false} {
		if _, err := os.Stat(d); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(d), err == nil, want)
		}
	}
}
