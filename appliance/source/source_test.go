package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestTheFirstGoodConfigurationIsTaken(t *testing.T) {
	has := func(text string) Source {
		return Source{Name: text, Read: func() (Files, error) { return Files{"evenkeel.hcl": []byte(text)}, nil }}
	}
	fails := func(err error) Source {
		return Source{Name: "a stick", Read: func() (Files, error) { return nil, err }}
	}
	take := func(_ string, files Files) error {
		if bytes.Contains(files["evenkeel.hcl"], []byte("bad")) {
			return errors.New("it has an error")
		}
		return nil
	}
	for name, c := range map[string]struct {
		sources []Source
		from    string
		said    []string
		err     string
	}{
		"the first":            {[]Source{has("one"), has("two")}, "one", nil, ""},
		"what is not there":    {[]Source{fails(fs.ErrNotExist), has("two")}, "two", nil, ""},
		"a bad one, then good": {[]Source{has("bad"), fails(errors.New("it is broken")), has("two")}, "two", []string{"the configuration on bad: it has an error", "the configuration on a stick: it is broken"}, ""},
		"only bad ones":        {[]Source{has("bad")}, "", []string{"the configuration on bad: it has an error"}, "no configuration that was given is good"},
		"nothing":              {[]Source{fails(fs.ErrNotExist)}, "", nil, ErrNone.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			from, problems, err := Acquire(c.sources, take)
			var said []string
			for _, p := range problems {
				said = append(said, p.Error())
			}
			if from != c.from || fmt.Sprint(err) != cmpOr(c.err, "<nil>") {
				t.Errorf("from %q, %v", from, err)
			}
			if diff := cmp.Diff(c.said, said); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func TestAStickMayHoldAnything(t *testing.T) {
	write := func(t *testing.T, path, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, dir string)
		want Files
		err  string
	}{
		"a file": {func(t *testing.T, d string) { write(t, d+"/evenkeel.hcl", "x = 1\n") }, Files{"evenkeel.hcl": []byte("x = 1\n")}, ""},
		"two files in a folder": {func(t *testing.T, d string) {
			write(t, d+"/evenkeel/box.hcl", "a")
			write(t, d+"/evenkeel/shared.hcl", "b")
			write(t, d+"/other.hcl", "c")
		}, Files{"box.hcl": []byte("a"), "shared.hcl": []byte("b")}, ""},
		"from DOS":                    {func(t *testing.T, d string) { write(t, d+"/EVENKEEL.HCL", "x = 1\r\n") }, Files{"evenkeel.hcl": []byte("x = 1\r\n")}, ""},
		"from Windows, with its mark": {func(t *testing.T, d string) { write(t, d+"/evenkeel.hcl", "\ufeffx = 1") }, Files{"evenkeel.hcl": []byte("x = 1")}, ""},
		"what macOS leaves": {func(t *testing.T, d string) {
			write(t, d+"/._evenkeel.hcl", "\x00\x05")
			write(t, d+"/evenkeel.hcl", "a")
		}, Files{"evenkeel.hcl": []byte("a")}, ""},
		"nothing":       {func(t *testing.T, d string) { write(t, d+"/readme.txt", "a") }, nil, "it has no file that ends with .hcl: file does not exist"},
		"an empty file": {func(t *testing.T, d string) { write(t, d+"/evenkeel.hcl", " \n") }, nil, "evenkeel.hcl is empty: was the stick taken out before it was written?"},
		"UTF-16":        {func(t *testing.T, d string) { write(t, d+"/evenkeel.hcl", "\xff\xfex\x00") }, nil, `evenkeel.hcl is in UTF-16: save it as "UTF-8" in the editor`},
		"Latin-1":       {func(t *testing.T, d string) { write(t, d+"/evenkeel.hcl", "x = 1\n# gr\xfc\xdfe\n") }, nil, `evenkeel.hcl is not in UTF-8 (line 2): save it as "UTF-8" in the editor`},
		"half-written":  {func(t *testing.T, d string) { write(t, d+"/evenkeel.hcl", "x = 1\n\x00\x00\x00") }, nil, "evenkeel.hcl has bytes that are no text: was the stick taken out before it was written?"},
		"huge": {func(t *testing.T, d string) {
			write(t, d+"/evenkeel.hcl", "a")
			_ = os.Truncate(d+"/evenkeel.hcl", 1<<40)
		}, nil, "evenkeel.hcl is larger than 1024 KiB, which no configuration is"},
		"a folder called as a file": {func(t *testing.T, d string) { write(t, d+"/evenkeel.hcl/x", "a") }, nil, "evenkeel.hcl is no file, but a folder"},
		"a link to somewhere else":  {func(t *testing.T, d string) { _ = os.Symlink("/etc/passwd", d+"/evenkeel.hcl") }, nil, "evenkeel.hcl is no file, but a link"},
		"a folder that is a link":   {func(t *testing.T, d string) { _ = os.Symlink("/etc", d+"/evenkeel"); write(t, d+"/a.hcl", "a") }, Files{"a.hcl": []byte("a")}, ""},
		"a pipe":                    {func(t *testing.T, d string) { _ = unix.Mkfifo(d+"/evenkeel.hcl", 0o600) }, nil, "evenkeel.hcl is no file, but a special file"},
		"more files than one can want": {func(t *testing.T, d string) {
			for i := range 40 {
				write(t, fmt.Sprintf("%s/%02d.hcl", d, i), "a")
			}
		}, nil, "it has more than 32 files that end with .hcl"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			got, err := Folder(dir)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if fmt.Sprint(err) != cmpOr(c.err, "<nil>") {
				t.Errorf("said %q, want %q", fmt.Sprint(err), c.err)
			}
		})
	}
}

func TestTheFirmwareHasOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raw")
	if _, err := firmware(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without one: %v", err)
	}
	if err := os.WriteFile(path, []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := firmware(path); err != nil || string(got["evenkeel.hcl"]) != "a" {
		t.Errorf("got %v, %v", got, err)
	}
}

// A FAT and an ext4 file system of Debian's own tools are known by their names; half of one, and noise, have none.
func TestVolumesAreKnownByTheirName(t *testing.T) {
	sys, dev := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(sys, "class/block"), 0o755); err != nil {
		t.Fatal(err)
	}
	device := func(name string, size int64, text []byte) string {
		path := filepath.Join(dev, name)
		if err := errors.Join(os.WriteFile(path, text, 0o644), os.Truncate(path, size), os.WriteFile(filepath.Join(sys, "class/block", name), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	iso := make([]byte, 34<<10)
	copy(iso[32768:], "\x01CD001")
	copy(iso[32768+40:], "cidata                          ")
	device("sr0", int64(len(iso)), iso)
	device("sda", 1<<20, []byte(strings.Repeat("FAT32   ", 1000)))
	device("sdb", 100, nil)
	want := []Volume{{filepath.Join(dev, "sr0"), "cidata", "iso9660"}}
	if path, err := exec.LookPath("mke2fs"); err == nil {
		if out, err := exec.Command(path, "-q", "-t", "ext4", "-L", "CONFIG", device("sdc", 4<<20, nil)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want = append([]Volume{{filepath.Join(dev, "sdc"), "CONFIG", "ext4"}}, want...)
	}
	if path, err := exec.LookPath("mkfs.vfat"); err == nil {
		if out, err := exec.Command(path, "-n", "CONFIG", device("sdb1", 2<<20, nil)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want = append([]Volume{{filepath.Join(dev, "sdb1"), "CONFIG", "vfat"}}, want...)
	}
	// sda says that it is a FAT, and its name is what it is: whoever asks for CONFIG does not get it.
	var got []Volume
	for _, v := range Volumes(sys, dev) {
		if v.Device != filepath.Join(dev, "sda") {
			got = append(got, v)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add([]byte("\x01CD001"))
	f.Fuzz(func(t *testing.T, b []byte) { identify(bytes.NewReader(b)) })
}
