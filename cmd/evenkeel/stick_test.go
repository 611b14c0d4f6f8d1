package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/appliance/source"
)

// plugged are sticks whose files are in folders; mounted says how many are mounted.
func plugged(t *testing.T, sticks map[string][]string) (p port, mounted *int) {
	t.Helper()
	mounted = new(int)
	p.folder = filepath.Join(t.TempDir(), "stick")
	var all []source.Volume
	folders := map[string]string{}
	for _, device := range []string{"/dev/sdb1", "/dev/sdc"} {
		files, ok := sticks[device]
		if !ok {
			continue
		}
		all = append(all, source.Volume{Device: device})
		folders[device] = t.TempDir()
		for _, f := range files {
			path := filepath.Join(folders[device], f)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(f), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.volumes = func() ([]source.Volume, error) { return append([]source.Volume(nil), all...), nil }
	p.mount = func(v source.Volume, folder string, _ bool) (func() error, error) {
		*mounted++
		return func() error { *mounted--; return os.Remove(folder) }, os.Symlink(folders[v.Device], folder)
	}
	return p, mounted
}

func TestAFileOnAStickIsNamed(t *testing.T) {
	one, mounted := plugged(t, map[string][]string{"/dev/sdb1": {"box.tar.gz"}})
	for _, name := range []string{"box.tar.gz", "sdb1:box.tar.gz"} {
		path, done, err := one.open(name, false)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "box.tar.gz" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		if err := done(); err != nil || *mounted != 0 {
			t.Errorf("%d are mounted, %v", *mounted, err)
		}
	}
	two, _ := plugged(t, map[string][]string{"/dev/sdb1": nil, "/dev/sdc": nil})
	none, _ := plugged(t, nil)
	for _, c := range []struct {
		p          port
		name, want string
	}{
		{one, "../etc/passwd", "is no name of a file on a stick"},
		{one, "", "is no name of a file on a stick"},
		{one, "sdc:box.tar.gz", "no such stick"},
		{none, "box.tar.gz", "no such stick"},
		{two, "box.tar.gz", "several sticks: write one of stick:sdb1:box.tar.gz, stick:sdc:box.tar.gz"},
	} {
		if _, _, err := c.p.open(c.name, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestWhatIsOnSticksIsFound(t *testing.T) {
	p, mounted := plugged(t, map[string][]string{"/dev/sdb1": {"box.tar.gz", "._box.tar.gz", "new/evenkeel-1.1-amd64.slot", "deep/er/x.slot", "readme.txt"}, "/dev/sdc": {"a.slot"}})
	got, err := p.files(".slot", ".tar.gz")
	if d := cmp.Diff([]string{"stick:sdb1:box.tar.gz", "stick:sdb1:new/evenkeel-1.1-amd64.slot", "stick:sdc:a.slot"}, got); d != "" || err != nil || *mounted != 0 {
		t.Errorf("%v, %d are mounted (-want +got):\n%s", err, *mounted, d)
	}
}

func TestTheBoxsOwnDiskIsNoStick(t *testing.T) {
	for device, want := range map[string]bool{"/dev/sda": true, "/dev/sda1": true, "/dev/sdaa": false, "/dev/sdaa1": false, "/dev/sdb1": false} {
		if got := isPart(device, "/dev/sda"); got != want {
			t.Errorf("%s of sda: %v", device, got)
		}
	}
	if !isPart("/dev/nvme0n1p6", "/dev/nvme0n1") {
		t.Error("a partition of an NVMe disk")
	}
}
