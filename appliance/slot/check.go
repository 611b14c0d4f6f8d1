package slot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// perBlock is how many hashes a block of the tree has.
const perBlock = block / sha256.Size

// Size is how many bytes of its partition a slot takes: data, note, superblock and tree of hashes.
func (v Verity) Size() int64 {
	size := v.Blocks + 2
	for n := v.Blocks; n > 1; {
		n = (n + perBlock - 1) / perBlock
		size += n
	}
	return size * block
}

// ErrDamaged is of a slot that is not as it was made.
var ErrDamaged = errors.New("the slot is damaged")

// Check reads a whole slot and compares it with its hashes, as the kernel does with what it reads. All that it reads it also
// writes to tee, in order.
func Check(r io.ReaderAt, tee io.Writer) (Verity, error) {
	v, err := ReadVerity(r)
	if err != nil {
		return v, err
	}
	salt, err := hex.DecodeString(v.Salt)
	if err != nil {
		return v, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	in := io.TeeReader(io.NewSectionReader(r, 0, v.Size()), tee)
	hash := func(b []byte) []byte {
		h := sha256.New()
		h.Write(salt)
		h.Write(b)
		return h.Sum(nil)
	}
	var digests []byte
	buf := make([]byte, block)
	for range v.Blocks {
		if _, err := io.ReadFull(in, buf); err != nil {
			return v, fmt.Errorf("read the slot: %w", err)
		}
		digests = append(digests, hash(buf)...)
	}
	if _, err := io.CopyN(io.Discard, in, 2*block); err != nil { // the note, which was read, and the superblock, which nobody reads
		return v, fmt.Errorf("read the slot: %w", err)
	}
	tree, err := io.ReadAll(in)
	if err != nil {
		return v, fmt.Errorf("read the slot: %w", err)
	}
	want, root := grow(digests, hash)
	if hex.EncodeToString(root) != v.Hash {
		return v, fmt.Errorf("%w: its data do not have the hash that it says", ErrDamaged)
	}
	if !bytes.Equal(want, tree) {
		return v, fmt.Errorf("%w: the tree of its hashes is not that of its data", ErrDamaged)
	}
	return v, nil
}

// grow makes the tree of hashes of the data's hashes, the root's level first, as veritysetup writes it, and the root's hash.
func grow(digests []byte, hash func([]byte) []byte) (tree, root []byte) {
	for len(digests) > sha256.Size {
		level := append(digests, make([]byte, -len(digests)&(block-1))...) // filled up with zeros
		tree = append(level, tree...)
		digests = nil
		for at := 0; at < len(level); at += block {
			digests = append(digests, hash(level[at:at+block])...)
		}
	}
	return tree, digests
}
