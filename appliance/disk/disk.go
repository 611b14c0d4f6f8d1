// Package disk finds the disk that the box was started from, and makes it this box's own when it first runs: new GUIDs, and
// a data partition as large as the disk allows.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/diskfs/go-diskfs/partition/gpt"
)

// The numbers of the partitions; image/disk has all of them.
const (
	Counter = 3
	SlotA   = 4
	SlotB   = 5
	Data    = 6
)

// sector is the one of every disk that an image starts from: a GPT for sectors of 4096 bytes lies elsewhere.
const sector = 512

// A Disk is the one that the box was started from.
type Disk struct {
	Name string // as the kernel calls it: "vda"

	sys, dev string // /sys and /dev
}

// Path returns the disk's device.
func (d Disk) Path() string { return filepath.Join(d.dev, d.Name) }

// Partition returns the device of a partition, which differs in how it is written: vda4, nvme0n1p4.
func (d Disk) Partition(number int) (string, error) {
	files, err := filepath.Glob(filepath.Join(d.sys, "block", d.Name, "*", "partition"))
	if err != nil {
		return "", err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(number) {
			return filepath.Join(d.dev, filepath.Base(filepath.Dir(f))), nil
		}
	}
	return "", fmt.Errorf("disk %s has no partition %d", d.Name, number)
}

// ErrNone is the error when no disk has the partition that was looked for. It may turn up later: disks take their time.
var ErrNone = errors.New("no disk has the partition that the box was started from")

// Find returns the disk with the partition that GRUB started the kernel from, by the partition's GUID. Two disks with the
// same one, copies of each other, are an error: the wrong one's data would be used.
func Find(sys, dev, partition string) (Disk, error) {
	names, err := filepath.Glob(filepath.Join(sys, "block", "*"))
	if err != nil {
		return Disk{}, err
	}
	var found []Disk
	for _, n := range names {
		d := Disk{Name: filepath.Base(n), sys: sys, dev: dev}
		if _, err := os.Stat(filepath.Join(n, "device")); err != nil {
			continue // loop, ram, dm: no hardware
		}
		if d.has(partition) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return Disk{}, ErrNone
	case 1:
		return found[0], nil
	}
	return Disk{}, fmt.Errorf("disks %s and %s are copies of each other: take one out", found[0].Name, found[1].Name)
}

func (d Disk) has(partition string) bool {
	f, err := os.Open(d.Path())
	if err != nil {
		return false // an empty drive
	}
	defer f.Close()
	t, err := gpt.Read(f, sector, sector)
	if err != nil {
		return false
	}
	for _, p := range t.Partitions {
		if p.Type != gpt.Unused && strings.EqualFold(p.GUID, partition) {
			return true
		}
	}
	return false
}

// Below returns the disk with the partition below a device of device-mapper's, by that device's name. The running system is read
// through one, so that this finds its disk whatever has become of GUIDs since it was started.
func Below(sys, dev, name string) (Disk, error) {
	names, err := filepath.Glob(filepath.Join(sys, "block", "*", "dm", "name"))
	if err != nil {
		return Disk{}, err
	}
	for _, n := range names {
		if text, err := os.ReadFile(n); err != nil || strings.TrimSpace(string(text)) != name {
			continue
		}
		below, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(n)), "slaves", "*"))
		if err != nil || len(below) != 1 {
			return Disk{}, fmt.Errorf("the device %q lies on %d others: %v", name, len(below), err)
		}
		at, err := filepath.Glob(filepath.Join(sys, "block", "*", filepath.Base(below[0]), "partition"))
		if err != nil || len(at) != 1 {
			return Disk{}, fmt.Errorf("the device %q lies on %s, which is no partition: %v", name, filepath.Base(below[0]), err)
		}
		return Disk{Name: filepath.Base(filepath.Dir(filepath.Dir(at[0]))), sys: sys, dev: dev}, nil
	}
	return Disk{}, ErrNone
}
