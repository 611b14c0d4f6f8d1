package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/evenkeel/evenkeel/appliance/disk"
)

const imageGUID = "65766b00-0000-4000-8000-0000000000"

// write makes a file that is a disk of so many MiB, with the partition table of an image of 64 MiB: slot A to 32, slot B to 63.
func write(t *testing.T, path string, mib int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := gpt.Table{ProtectiveMBR: true, GUID: imageGUID + "00", LogicalSectorSize: 512, PhysicalSectorSize: 512, Partitions: []*gpt.Partition{
		{Index: disk.SlotA, Name: "evenkeel-a", Type: gpt.LinuxRootX86_64, GUID: imageGUID + "04", Start: 2048, End: 32<<11 - 1, Size: 31 << 20},
		{Index: disk.SlotB, Name: "evenkeel-b", Type: gpt.LinuxRootX86_64, GUID: imageGUID + "05", Start: 32 << 11, End: 63<<11 - 1, Size: 31 << 20},
	}}
	if err := f.Truncate(mib << 20); err != nil {
		t.Fatal(err)
	}
	if err := table.Write(f, 64<<20); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) *gpt.Table {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	table, err := gpt.Read(f, 512, 512)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Verify(f, uint64(st.Size())); err != nil {
		t.Errorf("the copy of the table is not at the disk's end: %v", err)
	}
	return table
}

func own(t *testing.T, path string) (disk.Span, disk.Change, error) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return disk.Own(f)
}

func TestFirstBootMakesTheDiskItsOwnAndTheSecondChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	write(t, path, 300)
	data, made, err := own(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if want := (disk.Span{Start: 63 << 20, Size: 236 << 20}); data != want || made != disk.Made {
		t.Errorf("data partition: got %+v, change %v, want %+v, made", data, made, want)
	}
	table := read(t, path)
	guids := map[string]bool{strings.ToLower(table.GUID): true}
	for _, p := range table.Partitions {
		guids[strings.ToLower(p.GUID)] = true
	}
	for g := range guids {
		if strings.HasPrefix(g, imageGUID) {
			t.Errorf("GUID %s is the image's yet", g)
		}
	}
	if len(guids) != 4 {
		t.Errorf("%d different GUIDs, want those of a disk and three partitions", len(guids))
	}

	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again, made, err := own(t, path)
	if err != nil || made != disk.None || again != data {
		t.Errorf("second boot: got %+v, made %v, %v, want %+v, not made", again, made, err, data)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the second boot wrote to the disk")
	}
}

func TestWhatAnotherSystemLeftIsNotTakenForData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	write(t, path, 300)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0x53, 0xef}, 63<<20+1024+56); err != nil { // an ext4 was here
		t.Fatal(err)
	}
	if _, _, err := own(t, path); err != nil {
		t.Fatal(err)
	}
	magic := make([]byte, 2)
	if _, err := f.ReadAt(magic, 63<<20+1024+56); err != nil || magic[0] != 0 {
		t.Errorf("got %x, %v: the old file system is there yet", magic, err)
	}
}

func TestDamagedTableIsWrittenAgainFromItsCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	write(t, path, 300)
	data, _, err := own(t, path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 512), 512); err != nil {
		t.Fatal(err)
	}
	again, made, err := own(t, path)
	if err != nil || made != disk.None || again != data {
		t.Fatalf("got %+v, made %v, %v, want %+v", again, made, err, data)
	}
	if table := read(t, path); table.RecoveredFromBackup {
		t.Error("the table is damaged yet")
	}
}

func TestDiskThatHasGrownHasALargerDataPartition(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	write(t, path, 300)
	data, _, err := own(t, path)
	if err != nil {
		t.Fatal(err)
	}
	guid := read(t, path).GUID
	if err := os.Truncate(path, 500<<20); err != nil {
		t.Fatal(err)
	}
	grown, what, err := own(t, path)
	if want := (disk.Span{Start: data.Start, Size: data.Size + 200<<20}); err != nil || what != disk.Grown || grown != want {
		t.Errorf("got %+v, change %v, %v, want %+v, grown", grown, what, err, want)
	}
	table := read(t, path)
	if table.GUID != guid {
		t.Error("the disk has another GUID")
	}
	for _, p := range table.Partitions {
		if p.Index == disk.Data && int64(p.End+1)*512 != grown.Start+grown.Size {
			t.Errorf("the table has the partition to sector %d", p.End)
		}
	}
	if again, what, err := own(t, path); err != nil || what != disk.None || again != grown {
		t.Errorf("the next boot: got %+v, change %v, %v", again, what, err)
	}
}

func TestSmallDiskIsRefusedInWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	write(t, path, 80)
	if _, _, err := own(t, path); err == nil || !strings.Contains(err.Error(), "the disk has 80 MiB: too small") {
		t.Errorf("got %v", err)
	}
}

// machine makes folders as /sys and /dev, with a disk per name: those of true carry an image.
func machine(t *testing.T, disks map[string]bool) (sys, dev string) {
	t.Helper()
	sys, dev = t.TempDir(), t.TempDir()
	for name, image := range disks {
		for _, dir := range []string{"device", name + "p4"} {
			if err := os.MkdirAll(filepath.Join(sys, "block", name, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(sys, "block", name, name+"p4", "partition"), []byte("4\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if image {
			write(t, filepath.Join(dev, name), 64)
		} else if err := os.WriteFile(filepath.Join(dev, name), make([]byte, 4096), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return sys, dev
}

func TestDiskIsFoundByThePartitionItWasStartedFrom(t *testing.T) {
	sys, dev := machine(t, map[string]bool{"sda": false, "nvme0n1": true})
	d, err := disk.Find(sys, dev, strings.ToUpper(imageGUID+"04"))
	if err != nil || d.Name != "nvme0n1" {
		t.Fatalf("got %+v, %v, want nvme0n1", d, err)
	}
	if p, err := d.Partition(disk.SlotA); err != nil || p != filepath.Join(dev, "nvme0n1p4") {
		t.Errorf("slot A: got %q, %v", p, err)
	}
	if _, err := d.Partition(disk.Data); err == nil {
		t.Error("a partition was found that is not there")
	}
	if _, err := disk.Find(sys, dev, imageGUID+"99"); !errors.Is(err, disk.ErrNone) {
		t.Errorf("another partition: got %v, want ErrNone", err)
	}
}

func TestTwoCopiesOfADiskAreRefused(t *testing.T) {
	sys, dev := machine(t, map[string]bool{"sda": true, "sdb": true})
	if _, err := disk.Find(sys, dev, imageGUID+"04"); err == nil || !strings.Contains(err.Error(), "copies of each other") {
		t.Errorf("got %v", err)
	}
}

func TestDiskOfTheRunningSystemIsFoundBelowIt(t *testing.T) {
	sys, dev := machine(t, map[string]bool{"sda": false, "nvme0n1": true})
	device := filepath.Join(sys, "block", "dm-0")
	for _, dir := range []string{"dm", "slaves/nvme0n1p4"} {
		if err := os.MkdirAll(filepath.Join(device, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(device, "dm", "name"), []byte("system\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if d, err := disk.Below(sys, dev, "system"); err != nil || d.Name != "nvme0n1" {
		t.Errorf("got %+v, %v", d, err)
	} else if path, err := d.Partition(disk.SlotA); err != nil || path != filepath.Join(dev, "nvme0n1p4") {
		t.Errorf("slot A is %s, %v", path, err)
	}
	if d, err := disk.Below(sys, dev, "other"); !errors.Is(err, disk.ErrNone) {
		t.Errorf("got %+v, %v", d, err)
	}
	if err := os.Rename(filepath.Join(device, "slaves/nvme0n1p4"), filepath.Join(device, "slaves/loop0")); err != nil {
		t.Fatal(err)
	}
	if d, err := disk.Below(sys, dev, "system"); err == nil || !strings.Contains(err.Error(), "loop0, which is no partition") {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestOnlyAPartitionThatIsEmptyMayGetAFileSystem(t *testing.T) {
	for name, c := range map[string]struct {
		at    int
		bytes string
		want  disk.Content
	}{
		"as it was made":       {0, "", disk.Empty},
		"a file system":        {1024 + 56, "\x53\xef", disk.Ext4},
		"without a superblock": {4096, "group descriptors", disk.Damaged},
		"overwritten":          {0, "something else", disk.Damaged},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "partition")
			data := make([]byte, 128<<10)
			copy(data[c.at:], c.bytes)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := disk.Look(path); err != nil || got != c.want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}
