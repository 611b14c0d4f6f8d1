// Package disk lays an image out: a GPT that BIOS and UEFI both start from, two slots, and room at the end for the data
// partition, which the box makes itself when it first runs.
//
//	1  evenkeel-bios     BIOS boot: GRUB's core image
//	2  evenkeel-esp      EFI system partition, FAT32: shim, GRUB, grub.cfg for both firmwares
//	3  evenkeel-counter  FAT12 with one file, grubenv: which slot is wanted, and how many tries each has left
//	4  evenkeel-a        slot A
//	5  evenkeel-b        slot B; empty in an image
//	6  evenkeel-data     not in an image
//
// The counter is a file in a file system of its own because GRUB 2.06 can't write to a bare partition ("sparse file not
// allowed"), and because the EFI system partition is then never written while the box runs.
package disk

import (
	"fmt"
	"io"
	"os"

	"github.com/diskfs/go-diskfs/partition/gpt"
)

// Size is that of an image, in bytes: everything but data, and the second partition table.
const Size = 773 << 20

// Sizes of the partitions in bytes. Firmware exists that refuses a smaller EFI system partition.
const (
	ESPSize     = 256 << 20
	CounterSize = 1 << 20
	SlotSize    = 256 << 20
)

const sector = 512

// GUIDs of an image. The box replaces those of the disk and of its partitions when it first runs: two disks with the same
// ones could not be told apart.
const guid = "65766b00-0000-4000-8000-0000000000"

// counterType marks the counter's partition as one that no other system knows.
const counterType gpt.Type = "65766B00-636F-4E74-8000-000000000003"

// The numbers of partitions.
const (
	BIOS = iota + 1
	ESP
	Counter
	SlotA
	SlotB
)

var partitions = []struct {
	number   int
	name     string
	kind     gpt.Type
	at, size int64 // bytes
}{
	{BIOS, "evenkeel-bios", gpt.BIOSBoot, 1 << 20, 1 << 20},
	{ESP, "evenkeel-esp", gpt.EFISystemPartition, 4 << 20, ESPSize},
	{Counter, "evenkeel-counter", counterType, 2 << 20, CounterSize},
	{SlotA, "evenkeel-a", gpt.LinuxRootX86_64, 260 << 20, SlotSize},
	{SlotB, "evenkeel-b", gpt.LinuxRootX86_64, 516 << 20, SlotSize},
}

// Offset returns where a partition begins, in bytes.
func Offset(number int) int64 { return partitions[number-1].at }

// Create makes an image with an empty partition of each number. What was at path is lost.
func Create(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(Size); err != nil {
		return err
	}
	t := gpt.Table{ProtectiveMBR: true, GUID: guid + "00", LogicalSectorSize: sector, PhysicalSectorSize: sector}
	for _, p := range partitions {
		t.Partitions = append(t.Partitions, &gpt.Partition{
			Index: p.number, Name: p.name, Type: p.kind, GUID: fmt.Sprintf("%s%02d", guid, p.number),
			Start: uint64(p.at / sector), End: uint64((p.at+p.size)/sector - 1), Size: uint64(p.size),
		})
	}
	if err := t.Write(f, Size); err != nil {
		return fmt.Errorf("write the partition table of %s: %w", path, err)
	}
	return f.Close()
}

// Fill copies a file into a partition, from its beginning. Zeros are not written, so that the image stays sparse: the
// partition must be empty.
func Fill(path string, number int, content string) error {
	in, err := os.Open(content)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	p := partitions[number-1]
	if st.Size() > p.size {
		return fmt.Errorf("%s has %d bytes, partition %s %d", content, st.Size(), p.name, p.size)
	}
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer out.Close()
	buf := make([]byte, 1<<20)
	for at := p.at; ; {
		n, err := io.ReadFull(in, buf)
		if !zero(buf[:n]) {
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return fmt.Errorf("fill partition %s: %w", p.name, err)
			}
		}
		at += int64(n)
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return out.Close()
		default:
			return fmt.Errorf("read %s: %w", content, err)
		}
	}
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
