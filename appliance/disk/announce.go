package disk

import (
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Announce tells the kernel of a partition that was just made, or grown. The kernel does not read a table again while one of
// its partitions is in use, as the running slot is (block/ioctl.c).
func Announce(disk *os.File, number int, s Span, what Change) error {
	op := unix.BLKPG_ADD_PARTITION
	if what == Grown {
		op = unix.BLKPG_RESIZE_PARTITION
	}
	p := unix.BlkpgPartition{Start: s.Start, Length: s.Size, Pno: int32(number)}
	arg := unix.BlkpgIoctlArg{Op: int32(op), Datalen: int32(unsafe.Sizeof(p)), Data: (*byte)(unsafe.Pointer(&p))}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, disk.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg))); errno != 0 {
		return fmt.Errorf("tell the kernel of partition %d of %s: %w", number, disk.Name(), errno)
	}
	return nil
}

// GrowExt4 has a mounted ext4 file system take all the room that its device has. One that has it already is left alone.
func GrowExt4(device, dir string) error {
	f, err := os.Open(device)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(root.Fd()), &fs); err != nil {
		return fmt.Errorf("grow the file system on %s: %w", device, err)
	}
	const resize = 0x40086610 // EXT4_IOC_RESIZE_FS of fs/ext4/ext4.h: _IOW('f', 16, __u64), in blocks
	blocks := uint64(size / fs.Bsize)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, root.Fd(), resize, uintptr(unsafe.Pointer(&blocks))); errno != 0 {
		return fmt.Errorf("grow the file system on %s to %d MiB: %w", device, size>>20, errno)
	}
	return nil
}
