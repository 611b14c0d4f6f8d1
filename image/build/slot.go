package build

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

// A slot is a squashfs, a block of text that says how to check it, and the dm-verity hash tree that it is checked by:
//
//	squashfs, filled up to a block | "evenkeel-verity 1 ROOTHASH SALT\n" | superblock and tree of veritysetup
//
// A squashfs says its own length, so that whoever has the slot finds the rest. The salt and the UUID are fixed, for the
// same slot to be made of the same files; what they are for, hiding that two disks are alike, is none of a slot's concerns.
const (
	block      = 4096
	veritySalt = "65766b0000000000000000000000000000000000000000000000000000000000"
	verityUUID = "65766b00-0000-4000-8000-00000000000f"
)

var rootHash = regexp.MustCompile(`(?m)^Root hash:\s+([0-9a-f]{64})$`)

// slot makes the slot of the root folder.
func (b *builder) slot(ctx context.Context) (string, error) {
	out := b.work("slot")
	// GRUB 2.06 reads xz, not zstd. What GRUB loads is compressed already: not compressing it again spares GRUB the work.
	_, err := b.run(ctx, "mksquashfs", b.work("root"), out, "-comp", "xz", "-b", "256k", "-all-root", "-noappend",
		"-no-xattrs", "-no-hardlinks", "-quiet", "-no-progress", "-processors", strconv.Itoa(b.Processors),
		"-action", "uncompressed@name(vmlinuz)||name(initrd.img)")
	if err != nil {
		return "", fmt.Errorf("make the slot's squashfs: %w", err)
	}
	blocks, err := padSquashfs(out)
	if err != nil {
		return "", err
	}
	said, err := b.run(ctx, "veritysetup", "format", out, out, "--data-blocks="+strconv.FormatInt(blocks, 10),
		"--hash-offset="+strconv.FormatInt((blocks+1)*block, 10), "--salt="+veritySalt, "--uuid="+verityUUID)
	if err != nil {
		return "", fmt.Errorf("make the slot's hash tree: %w", err)
	}
	hash := rootHash.FindStringSubmatch(said)
	if hash == nil {
		return "", fmt.Errorf("make the slot's hash tree: veritysetup said no root hash: %s", said)
	}
	f, err := os.OpenFile(out, os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(fmt.Sprintf("evenkeel-verity 1 %s %s\n", hash[1], veritySalt)), blocks*block); err != nil {
		return "", err
	}
	return size(out), f.Close()
}

// padSquashfs makes a file that is a squashfs a whole number of blocks, and one more, which is empty. It returns the
// number of blocks that the squashfs has.
func padSquashfs(path string) (int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	super := make([]byte, 96)
	if _, err := io.ReadFull(f, super); err != nil || string(super[:4]) != "hsqs" {
		return 0, fmt.Errorf("%s is no squashfs", path)
	}
	used := int64(binary.LittleEndian.Uint64(super[40:])) // bytes_used of fs/squashfs/squashfs_fs.h
	blocks := (used + block - 1) / block
	// mksquashfs may have padded it as well: what is after the squashfs goes.
	if err := f.Truncate(used); err != nil {
		return 0, err
	}
	return blocks, f.Truncate((blocks + 1) * block)
}
