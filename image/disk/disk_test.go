package disk_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/evenkeel/evenkeel/image/disk"
)

func create(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "img")
	if err := disk.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImageHasItsPartitionsAndTheyDoNotOverlap(t *testing.T) {
	f, err := os.Open(create(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := gpt.Read(f, 512, 512)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Verify(f, disk.Size); err != nil {
		t.Errorf("table: %v", err)
	}
	var want = map[int]string{1: "evenkeel-bios", 2: "evenkeel-esp", 3: "evenkeel-counter", 4: "evenkeel-a", 5: "evenkeel-b"}
	for i, p := range table.Partitions {
		if p.Type == gpt.Unused {
			continue
		}
		if want[p.Index] != p.Name || int64(p.Start)*512 != disk.Offset(p.Index) || p.Start%2048 != 0 {
			t.Errorf("partition %d: %s from %d, want %s from %d", p.Index, p.Name, p.Start*512, want[p.Index], disk.Offset(p.Index))
		}
		delete(want, p.Index)
		for _, q := range table.Partitions[:i] {
			if p.Start <= q.End && q.Start <= p.End {
				t.Errorf("%s and %s overlap", p.Name, q.Name)
			}
		}
		if p.End > table.LastDataSector() {
			t.Errorf("%s goes over the disk's end", p.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestPartitionIsFilledAndHolesStayHoles(t *testing.T) {
	path, content := create(t), filepath.Join(t.TempDir(), "slot")
	data := append(append(bytes.Repeat([]byte("x"), 100), make([]byte, 3<<20)...), "end"...)
	if err := os.WriteFile(content, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := disk.Fill(path, disk.SlotB, content); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, len(data))
	if _, err := f.ReadAt(got, disk.Offset(disk.SlotB)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the content is not there: %v", err)
	}
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	path, content := create(t), filepath.Join(t.TempDir(), "counter")
	if err := os.WriteFile(content, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(content, disk.CounterSize+1); err != nil {
		t.Fatal(err)
	}
	if err := disk.Fill(path, disk.Counter, content); err == nil {
		t.Error("it was written over the next partition")
	}
	if err := disk.EmbedGRUB(path, make([]byte, 2<<20), make([]byte, 512)); err == nil {
		t.Error("a core image was written over the next partition")
	}
	if err := disk.EmbedGRUB(path, make([]byte, 1024), make([]byte, 100)); err == nil {
		t.Error("half a boot sector was taken")
	}
}

func TestGRUBIsToldWhereItsCoreImageLies(t *testing.T) {
	path := create(t)
	core, boot := bytes.Repeat([]byte{0xcc}, 1300), bytes.Repeat([]byte{0xbb}, 512)
	before := sector(t, path, 0)
	if err := disk.EmbedGRUB(path, core, boot); err != nil {
		t.Fatal(err)
	}
	first := sector(t, path, 0)
	if !bytes.Equal(first[440:], before[440:]) {
		t.Error("the partition table of the first sector was written over")
	}
	if first[0] != 0xbb || binary.LittleEndian.Uint64(first[0x5c:]) != 2048 || first[0x64] != 0xff || first[0x66] != 0x90 {
		t.Errorf("boot sector: % x", first[0x5c:0x68])
	}
	loader := sector(t, path, 2048)
	if binary.LittleEndian.Uint64(loader[0x1f4:]) != 2049 || binary.LittleEndian.Uint16(loader[0x1fc:]) != 2 {
		t.Errorf("block list: % x, want two sectors from 2049 on", loader[0x1f4:])
	}
	if last := sector(t, path, 2050); last[1300-1024-1] != 0xcc || last[1300-1024] != 0 {
		t.Error("the end of the core image is not there")
	}
}

func sector(t *testing.T, path string, lba int64) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 512)
	if _, err := f.ReadAt(b, lba*512); err != nil {
		t.Fatal(err)
	}
	return b
}
