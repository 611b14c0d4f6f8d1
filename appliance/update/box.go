package update

import (
	"fmt"
	"os"

	"github.com/evenkeel/evenkeel/appliance/disk"
	"github.com/evenkeel/evenkeel/appliance/slot"
)

// A Box is the disk that a box was started from.
type Box struct{ Disk disk.Disk }

// Open opens a slot's partition.
func (b Box) Open(s Slot) (Partition, error) {
	path, err := b.partition(s)
	if err != nil {
		return nil, err
	}
	return OpenDevice(path)
}

func (b Box) partition(s Slot) (string, error) {
	if s == B {
		return b.Disk.Partition(disk.SlotB)
	}
	return b.Disk.Partition(disk.SlotA)
}

// Read opens a slot's partition for reading.
func (b Box) Read(s Slot) (Reader, error) {
	path, err := b.partition(s)
	if err != nil {
		return nil, err
	}
	return readDevice(path)
}

// Counter reads GRUB's counter.
func (b Box) Counter() (Counter, error) {
	path, err := b.Disk.Partition(disk.Counter)
	if err != nil {
		return Counter{}, err
	}
	c, err := slot.ReadCounter(path)
	if err != nil {
		return Counter{}, err
	}
	return fromGRUB(c), nil
}

// Count changes it.
func (b Box) Count(change func(*Counter)) error {
	path, err := b.Disk.Partition(disk.Counter)
	if err != nil {
		return err
	}
	return countAt(path, change)
}

func countAt(path string, change func(*Counter)) error {
	return slot.Change(path, func(g *slot.Counter) {
		c := fromGRUB(g)
		change(&c)
		g.Order, g.Left, g.Trial = string(c.First)+string(c.First.Other()), c.Left, c.Trial
	})
}

func fromGRUB(g *slot.Counter) Counter {
	c := Counter{First: A, Left: g.Left, Trial: g.Trial}
	if g.Order == "BA" {
		c.First = B
	}
	return c
}

// counterFile is the counter's partition as the running system's image has it.
const counterFile = "/boot/counter"

// MendCounter puts the counter's partition right if it is damaged, and says what was wrong; "": nothing.
func (b Box) MendCounter(running Slot) (damaged string, err error) {
	path, err := b.Disk.Partition(disk.Counter)
	if err != nil {
		return "", err
	}
	made, err := os.ReadFile(counterFile)
	if err != nil {
		return "", fmt.Errorf("reading how the boot counter was made: %w", err)
	}
	return slot.Mend(path, made, running)
}
