package disk

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Announce tells the kernel of a partition that was just made. The kernel does not read a table again while one of its
// partitions is in use, as the running slot is (block/ioctl.c).
func Announce(disk *os.File, number int, s Span) error {
	p := unix.BlkpgPartition{Start: s.Start, Length: s.Size, Pno: int32(number)}
	arg := unix.BlkpgIoctlArg{Op: unix.BLKPG_ADD_PARTITION, Datalen: int32(unsafe.Sizeof(p)), Data: (*byte)(unsafe.Pointer(&p))}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, disk.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg))); errno != 0 {
		return fmt.Errorf("tell the kernel of partition %d of %s: %w", number, disk.Name(), errno)
	}
	return nil
}

// HasExt4 says whether a device holds an ext2, 3 or 4 file system, by the magic number of its superblock.
func HasExt4(device string) (bool, error) {
	f, err := os.Open(device)
	if err != nil {
		return false, err
	}
	defer f.Close()
	magic := make([]byte, 2)
	if _, err := f.ReadAt(magic, 1024+56); err != nil {
		return false, fmt.Errorf("read %s: %w", device, err)
	}
	return magic[0] == 0x53 && magic[1] == 0xef, nil
}
