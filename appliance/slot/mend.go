package slot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// Mend puts the counter's partition right if it is damaged: if anything but the counter's block is not as it was made, or if the
// block is none. made is the partition as the image has it, with a block somewhere. Of a block that can be read, what it says
// stays. In the place of one that can't be, running is wanted first and both slots have all their tries, which is what
// grub.cfg takes for granted without a counter. damaged says what was wrong; "": nothing.
func Mend(path string, made []byte, running Slot) (damaged string, err error) {
	damaged, err = mend(path, made, running)
	if err != nil {
		return damaged, fmt.Errorf("mend the boot counter on %s: %w", path, err)
	}
	return damaged, nil
}

func mend(path string, made []byte, running Slot) (damaged string, err error) {
	want := bytes.Clone(made)
	at, err := findBlock(bytes.NewReader(want))
	if err != nil {
		return "", fmt.Errorf("what it should be like: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_SYNC, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(f, got); err != nil {
		return "", err
	}
	c := &Counter{Order: string(running) + string(running.Other()), Left: map[Slot]int{A: Tries, B: Tries}}
	if there, foundAt, err := read(bytes.NewReader(got)); err == nil {
		c = there
		if foundAt == at && sound(got[at:at+blockSize]) {
			copy(want[at:], got[at:at+blockSize])
		}
	}
	if !bytes.HasPrefix(got[at:], []byte(signature)) {
		damaged = "it has no counter where GRUB looks for one"
	} else if !sound(got[at : at+blockSize]) {
		damaged = "its counter is garbage"
	}
	if damaged != "" {
		text, err := c.format()
		if err != nil {
			return damaged, err
		}
		copy(want[at:], text)
	}
	// Only what differs is written, a sector at a time: each is written whole or not at all.
	for s := 0; s < len(want); s += sector {
		end := min(s+sector, len(want))
		if bytes.Equal(want[s:end], got[s:end]) {
			continue
		}
		if damaged == "" {
			damaged = "its file system is not as it was made"
		}
		if _, err := f.WriteAt(want[s:end], int64(s)); err != nil {
			return damaged, err
		}
	}
	return damaged, errors.Join(f.Sync(), f.Close())
}

// sound says whether a block is one: after the signature there are lines of text and then nothing but fillers.
func sound(block []byte) bool {
	text := bytes.TrimRight(block[len(signature):], "#")
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return false
	}
	for _, b := range text {
		if b != '\n' && (b < ' ' || b > '~') {
			return false
		}
	}
	return true
}
