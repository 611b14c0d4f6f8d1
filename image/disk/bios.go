package disk

import (
	"encoding/binary"
	"fmt"
	"os"
)

// What GRUB's boot sector and core image want to be told by whoever installs them (grub-core/boot/i386/pc/boot.S,
// diskboot.S; include/grub/i386/pc/boot.h). grub-bios-setup does the same, but not on a file.
const (
	bootCodeEnd     = 440  // of the boot sector: the disk's signature and the partition table follow
	kernelSector    = 0x5c // u64: where core.img begins
	bootDrive       = 0x64 // u8: 0xff is the drive that the BIOS says
	driveCheck      = 0x66 // two bytes of a jump that is for floppy disks; no-operations for hard disks
	blocklistStart  = 0x1f4
	blocklistLength = 0x1fc
	blocklistSeg    = 0x1fe
	loadSegment     = 0x820
)

// EmbedGRUB makes an image start on BIOS: GRUB's boot sector into its first sector, GRUB's core image into the BIOS boot
// partition.
func EmbedGRUB(path string, core, boot []byte) error {
	p := partitions[BIOS-1]
	if len(boot) != sector || len(core) < sector {
		return fmt.Errorf("embed GRUB: its boot sector has %d bytes and its core image %d", len(boot), len(core))
	}
	sectors := (len(core) + sector - 1) / sector
	if int64(sectors)*sector > p.size {
		return fmt.Errorf("embed GRUB: its core image has %d bytes, partition %s %d", len(core), p.name, p.size)
	}
	lba := uint64(p.at / sector)
	filled := make([]byte, sectors*sector)
	copy(filled, core)
	// The core image's first sector loads the others: one entry of its block list says where they are.
	binary.LittleEndian.PutUint64(filled[blocklistStart:], lba+1)
	binary.LittleEndian.PutUint16(filled[blocklistLength:], uint16(sectors-1))
	binary.LittleEndian.PutUint16(filled[blocklistSeg:], loadSegment)
	first := append([]byte(nil), boot[:bootCodeEnd]...)
	binary.LittleEndian.PutUint64(first[kernelSector:], lba)
	first[bootDrive] = 0xff
	first[driveCheck], first[driveCheck+1] = 0x90, 0x90

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(first, 0); err != nil {
		return fmt.Errorf("embed GRUB: %w", err)
	}
	if _, err := f.WriteAt(filled, p.at); err != nil {
		return fmt.Errorf("embed GRUB: %w", err)
	}
	return f.Close()
}
