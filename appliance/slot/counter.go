// Package slot knows the two systems of a box: which one runs, how many tries GRUB gives each, and how the
// running one is checked while it is read.
package slot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Slot is one of the two systems: "A" or "B".
type Slot string

// The slots.
const (
	A Slot = "A"
	B Slot = "B"
)

// Other returns the other one.
func (s Slot) Other() Slot {
	if s == A {
		return B
	}
	return A
}

// Tries is how often a slot may be tried until it has come up.
const Tries = 3

// A Counter is GRUB's environment block on the counter partition. GRUB finds it as a file, and writes it only where the
// file's blocks are; so does this, without the file system.
type Counter struct {
	Order      string // "AB" or "BA": the wanted slot first
	Left       map[Slot]int
	Trial      Slot // the slot that an update was put into, until it is good; "": none
	otherLines map[string]string
}

const (
	blockSize = 1024 // GRUB_ENVBLK_SIZE of include/grub/lib/envblk.h is this by custom of grub-editenv
	sector    = 512
	signature = "# GRUB Environment Block\n"
	search    = 128 << 10 // how far into the partition the block may begin
)

// ReadCounter reads the counter from its partition.
func ReadCounter(path string) (*Counter, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the boot counter: %w", err)
	}
	defer f.Close()
	c, _, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("read the boot counter on %s: %w", path, err)
	}
	return c, nil
}

// Change reads the counter, and writes it as change leaves it. Whoever else does so waits meanwhile. What there is to read lies
// in one sector, so that a power cut leaves the old counter or the new one. A partition whose block is damaged is an error.
func Change(path string, change func(*Counter)) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_SYNC, 0)
	if err != nil {
		return fmt.Errorf("write the boot counter: %w", err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("write the boot counter: lock %s: %w", path, err)
	}
	c, at, err := read(f)
	if err != nil {
		return fmt.Errorf("write the boot counter to %s: %w", path, err)
	}
	change(c)
	text, err := c.format()
	if err == nil {
		_, err = f.WriteAt(text, at)
	}
	if err != nil {
		return fmt.Errorf("write the boot counter to %s: %w", path, err)
	}
	return f.Close()
}

// read returns the counter, and where it lies.
func read(f io.ReaderAt) (*Counter, int64, error) {
	at, err := findBlock(f)
	if err != nil {
		return nil, 0, err
	}
	text := make([]byte, blockSize)
	if _, err := f.ReadAt(text, at); err != nil {
		return nil, 0, err
	}
	return parse(text), at, nil
}

func findBlock(f io.ReaderAt) (int64, error) {
	buf := make([]byte, search)
	n, err := f.ReadAt(buf, 0)
	if err != nil && err != io.EOF {
		return 0, err
	}
	for at := 0; at+blockSize <= n; at += sector {
		if bytes.HasPrefix(buf[at:], []byte(signature)) {
			return int64(at), nil
		}
	}
	return 0, errors.New("it has no environment block of GRUB")
}

// parse reads a block. What makes no sense is as grub.cfg takes it: order AB, and all tries left.
func parse(text []byte) *Counter {
	c := &Counter{Order: "AB", Left: map[Slot]int{A: Tries, B: Tries}, otherLines: map[string]string{}}
	for _, line := range strings.Split(string(text[len(signature):]), "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		switch key {
		case "order":
			if value == "BA" {
				c.Order = value
			}
		case "left_A", "left_B":
			if len(value) == 1 && value[0] >= '0' && value[0] < '0'+Tries {
				c.Left[Slot(key[len("left_"):])] = int(value[0] - '0')
			}
		case "trial":
			if s := Slot(value); s == A || s == B {
				c.Trial = s
			}
		default:
			c.otherLines[key] = value
		}
	}
	return c
}

func (c *Counter) format() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%sorder=%s\nleft_A=%d\nleft_B=%d\n", signature, c.Order, c.Left[A], c.Left[B])
	if c.Trial != "" {
		fmt.Fprintf(&b, "trial=%s\n", c.Trial)
	}
	for _, key := range slices.Sorted(maps.Keys(c.otherLines)) {
		fmt.Fprintf(&b, "%s=%s\n", key, c.otherLines[key])
	}
	if b.Len() > blockSize {
		return nil, fmt.Errorf("%d bytes are more than an environment block of GRUB holds", b.Len())
	}
	b.Write(bytes.Repeat([]byte("#"), blockSize-b.Len()))
	return b.Bytes(), nil
}
