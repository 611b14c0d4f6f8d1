package update

import (
	"fmt"
	"maps"

	"github.com/evenkeel/evenkeel/appliance/disk"
	"github.com/evenkeel/evenkeel/appliance/slot"
)

// A Box is the disk that a box was started from.
type Box struct{ Disk disk.Disk }

// Open opens a slot's partition.
func (b Box) Open(s Slot) (Partition, error) {
	number := disk.SlotA
	if s == B {
		number = disk.SlotB
	}
	path, err := b.Disk.Partition(number)
	if err != nil {
		return nil, err
	}
	return OpenDevice(path)
}

// Counter reads GRUB's counter.
func (b Box) Counter() (Counter, error) {
	path, err := b.Disk.Partition(disk.Counter)
	if err != nil {
		return Counter{}, err
	}
	return readCounter(path)
}

// SetCounter writes it.
func (b Box) SetCounter(c Counter) error {
	path, err := b.Disk.Partition(disk.Counter)
	if err != nil {
		return err
	}
	return writeCounter(path, c)
}

func readCounter(path string) (Counter, error) {
	g, err := slot.ReadCounter(path)
	if err != nil {
		return Counter{}, err
	}
	c := Counter{First: A, Left: map[Slot]int{A: g.Left[slot.A], B: g.Left[slot.B]}}
	if g.Order == "BA" {
		c.First = B
	}
	return c, nil
}

// writeCounter keeps what else is in the block.
func writeCounter(path string, c Counter) error {
	g, err := slot.ReadCounter(path)
	if err != nil {
		return err
	}
	g.Order = string(c.First) + string(c.First.Other())
	for s, n := range maps.All(c.Left) {
		if n < 0 || n > Tries {
			return fmt.Errorf("slot %s can't have %d tries", s, n)
		}
		g.Left[slot.Slot(s)] = n
	}
	return g.Write(path)
}
