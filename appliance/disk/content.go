package disk

import (
	"bytes"
	"fmt"
	"os"
)

// A Content is what a partition holds, by its beginning.
type Content int

// What it may hold: nothing yet, a file system of the family ext2, 3 and 4, or what was one and is damaged.
const (
	Empty Content = iota
	Ext4
	Damaged
)

// Look looks what a data partition holds. Only one whose beginning is empty, as Own leaves it, may have a file system made on
// it: another one may have files yet, which a check brings back.
func Look(device string) (Content, error) {
	f, err := os.Open(device)
	if err != nil {
		return Empty, err
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	if _, err := f.ReadAt(head, 0); err != nil {
		return Empty, fmt.Errorf("read %s: %w", device, err)
	}
	const superblock, magic = 1024, 56 // fs/ext4/ext4.h
	switch {
	case head[superblock+magic] == 0x53 && head[superblock+magic+1] == 0xef:
		return Ext4, nil
	case bytes.Equal(head, make([]byte, len(head))):
		return Empty, nil
	}
	return Damaged, nil
}
