package slot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Verity says how the kernel checks every block of a slot that it reads
// (Documentation/admin-guide/device-mapper/verity.rst).
type Verity struct {
	Blocks     int64  // of data, each of 4096 bytes
	Hash, Salt string // hexadecimal
}

const block = 4096

// note is the block between a slot's squashfs and its hash tree; image/build writes it.
var note = regexp.MustCompile(`^evenkeel-verity 1 ([0-9a-f]{64}) ([0-9a-f]{64})\n`)

// ReadVerity reads from a slot how it is to be checked. A slot that does not say so is damaged.
func ReadVerity(r io.ReaderAt) (Verity, error) {
	super := make([]byte, 96) // struct squashfs_super_block of fs/squashfs/squashfs_fs.h
	if _, err := r.ReadAt(super, 0); err != nil {
		return Verity{}, fmt.Errorf("read the slot: %w", err)
	}
	if string(super[:4]) != "hsqs" {
		return Verity{}, errors.New("the slot is empty or damaged: it does not begin with a squashfs")
	}
	used := binary.LittleEndian.Uint64(super[40:])
	if used > 1<<40 {
		return Verity{}, errors.New("the slot is damaged: its squashfs claims an impossible size")
	}
	blocks := (int64(used) + block - 1) / block
	text := make([]byte, block)
	if _, err := r.ReadAt(text, blocks*block); err != nil {
		return Verity{}, fmt.Errorf("read how the slot is checked: %w", err)
	}
	m := note.FindSubmatch(text)
	if m == nil {
		return Verity{}, errors.New("the slot is damaged: it does not say how it is checked")
	}
	return Verity{Blocks: blocks, Hash: string(m[1]), Salt: string(m[2])}, nil
}

// table is what device-mapper is told: version 1 of the format, sha256, the tree behind the note and a superblock.
// A block that is not as it should be is a panic: the box starts again, and GRUB counts.
func (v Verity) table(device string) string {
	return fmt.Sprintf("1 %s %s %d %d %d %d sha256 %s %s 1 panic_on_corruption",
		device, device, block, block, v.Blocks, v.Blocks+2, v.Hash, v.Salt)
}

// dmMessage is what DM ioctls take: include/uapi/linux/dm-ioctl.h.
type dmMessage struct {
	head   unix.DmIoctl
	target unix.DmTargetSpec
	params [512]byte
}

// Mapped is the name of the device that Map makes (/sys/block/dm-0/dm/name).
const Mapped = "system"

// Map makes a device that reads a slot's data through its hash tree, and returns its path. It needs the kernel module
// dm_verity.
func Map(device string) (string, error) {
	f, err := os.Open(device)
	if err != nil {
		return "", err
	}
	v, err := ReadVerity(f)
	f.Close()
	if err != nil {
		return "", fmt.Errorf("%s: %w", device, err)
	}
	control, err := os.OpenFile("/dev/mapper/control", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("check %s while it is read: %w", device, err)
	}
	defer control.Close()
	var minor uint64
	for _, call := range []struct {
		what    string
		request uintptr
		message *dmMessage
	}{
		{"make a device", unix.DM_DEV_CREATE, message(0)},
		{"load its table", unix.DM_TABLE_LOAD, v.load(device)},
		{"start it", unix.DM_DEV_SUSPEND, message(unix.DM_READONLY_FLAG)}, // without its own flag it resumes
	} {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, control.Fd(), call.request, uintptr(unsafe.Pointer(call.message))); errno != 0 {
			return "", fmt.Errorf("check %s while it is read: %s: %w", device, call.what, errno)
		}
		minor = call.message.head.Dev & 0xff
	}
	path := fmt.Sprintf("/dev/dm-%d", minor)
	for range 200 { // devtmpfs makes it a moment later
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return "", fmt.Errorf("check %s while it is read: %s does not appear", device, path)
}

func message(flags uint32) *dmMessage {
	m := &dmMessage{}
	m.head.Version = [3]uint32{4, 0, 0}
	m.head.Data_size = uint32(unsafe.Sizeof(*m))
	m.head.Data_start = uint32(unsafe.Sizeof(m.head))
	m.head.Flags = flags
	copy(m.head.Name[:], Mapped)
	return m
}

func (v Verity) load(device string) *dmMessage {
	m := message(unix.DM_READONLY_FLAG)
	m.head.Target_count = 1
	m.target.Length = uint64(v.Blocks * block / 512)
	copy(m.target.Target_type[:], "verity")
	copy(m.params[:], bytes.TrimSpace([]byte(v.table(device))))
	return m
}
