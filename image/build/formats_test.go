package build

import (
	"archive/tar"
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/tool"
)

// formatted makes each format of a small disk and returns the files.
func formatted(t *testing.T) map[string][]byte {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skipf("no qemu-img: %v", err)
	}
	b := &builder{Options: Options{Version: "1.2", Out: t.TempDir(), Work: t.TempDir(), Epoch: time.Unix(1_790_000_000, 0)}}
	if err := os.WriteFile(b.work("img"), bytes.Repeat([]byte("a disk\n\n"), 128<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range []string{"img.zst", "qcow2", "vmdk", "ova"} {
		if _, err := b.format(t.Context(), f, formats[f]); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(b.Name(f))
		if err != nil {
			t.Fatal(err)
		}
		files[f] = data
	}
	if _, err := b.checksums(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The witness is sha256sum.
	if _, err := (tool.Runner{Dir: b.Out}).Run(t.Context(), "sha256sum", "-c", filepath.Base(b.Name("sha256"))); err != nil {
		t.Error(err)
	}
	return files
}

func TestImageFormatsAreTheSameEachTime(t *testing.T) {
	first, second := formatted(t), formatted(t)
	for f := range first {
		if !bytes.Equal(first[f], second[f]) {
			t.Errorf("%s differs", f)
		}
	}
}

func TestTheContentIDOfADiskIsTheSameHoweverManyDigitsItHad(t *testing.T) {
	for _, number := range []string{"0", "46d8a2b", "46d8a2b2"} {
		disk := filepath.Join(t.TempDir(), "vmdk")
		if err := os.WriteFile(disk, []byte("KDMV# Disk DescriptorFile\nversion=1\nCID="+number+"\nparentCID=ffffffff\n"+strings.Repeat("\x00", 512)+"data"), 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(disk)
		if err != nil {
			t.Fatal(err)
		}
		if err := fixNumber(disk); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(disk)
		if err != nil {
			t.Fatal(err)
		}
		text, rest, _ := strings.Cut(string(after), "\x00")
		if text != "KDMV# Disk DescriptorFile\nversion=1\nCID=65766b00\nparentCID=ffffffff\n" || strings.TrimLeft(rest, "\x00") != "data" || int64(len(after)) != before.Size() {
			t.Errorf("with the content ID %s the disk becomes %q", number, after)
		}
	}
}

func TestImageInAnOVAHasADescriptionThatIsTrue(t *testing.T) {
	r := tar.NewReader(bytes.NewReader(formatted(t)["ova"]))
	var names []string
	sizes, texts := map[string]int64{}, map[string]string{}
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		sizes[h.Name], texts[h.Name] = h.Size, string(data)
	}
	if got := strings.Join(names, " "); got != "evenkeel-1.2.ovf evenkeel-1.2.mf evenkeel-1.2-disk.vmdk" {
		t.Fatalf("it has %s", got)
	}
	var envelope struct {
		References struct {
			File struct {
				Href string `xml:"href,attr"`
				Size int64  `xml:"size,attr"`
			}
		}
	}
	if err := xml.Unmarshal([]byte(texts["evenkeel-1.2.ovf"]), &envelope); err != nil {
		t.Fatal(err)
	}
	if f := envelope.References.File; f.Href != "evenkeel-1.2-disk.vmdk" || f.Size != sizes[f.Href] {
		t.Errorf("the description says %+v", f)
	}
	if strings.Count(texts["evenkeel-1.2.mf"], "SHA256(") != 2 {
		t.Errorf("the manifest says %q", texts["evenkeel-1.2.mf"])
	}
}
