package boot

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/disk"
	"github.com/evenkeel/evenkeel/appliance/kmod"
	"github.com/evenkeel/evenkeel/appliance/slot"
)

// OpenLog opens the kernel's log for a program of this name. Before /dev is mounted there is only what the kernel gave it.
func OpenLog(name string) *Log {
	f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	if err != nil {
		return &Log{W: os.Stderr, Name: name}
	}
	return &Log{W: f, Name: name}
}

// Initramfs is /init of the initramfs: it reaches the slot that GRUB has chosen and goes on as its /sbin/init. It returns
// only when it can't; whoever called it then ends, the kernel panics, starts again, and GRUB counts.
func Initramfs() error {
	if err := mountAll(early); err != nil {
		return err
	}
	i := initramfs{log: OpenLog("init")}
	s := Sequence{Log: i.log}
	err := s.Run([]Step{
		{Name: "read what the boot loader said", Run: i.read, Needed: true},
		{Name: "load the drivers of the hardware", Run: i.drivers, Needed: true},
		{Name: "start the watchdog", Run: i.watchdog},
		{Name: "find the disk", Run: i.find, Needed: true},
		{Name: "mount the slot", Run: i.mount, Needed: true},
		{Name: "leave the initramfs", Run: func() error { return switchRoot(newRoot) }, Needed: true},
	})
	if err != nil {
		return err
	}
	return fmt.Errorf("start the slot's init: %w", unix.Exec("/sbin/init", []string{"/sbin/init"}, []string{"PATH=" + Path}))
}

// Path is where programs are looked for.
const Path = "/sbin:/bin"

const newRoot = "/root"

type initramfs struct {
	log     *Log
	start   Start
	modules *kmod.Loader
	disk    disk.Disk
}

func (i *initramfs) read() (err error) {
	i.start, err = start()
	return err
}

func (i *initramfs) drivers() (err error) {
	if i.modules, err = Modules(); err != nil {
		return err
	}
	coldplug(i.modules, i.log)
	for _, m := range []string{"squashfs", "dm_verity"} {
		if err := i.modules.Load(m); err != nil {
			return err
		}
	}
	return nil
}

// watchdog starts the watchdog as early as can be. It runs on until the slot's init feeds it.
func (i *initramfs) watchdog() error {
	dog, err := openWatchdog(i.modules)
	if err != nil {
		return err
	}
	i.log.Debug("watchdog: %s", dog.Name)
	return errors.Join(dog.Feed(), dog.Close())
}

// find waits for the disk, which may take its time to turn up: disks behind a RAID controller, on USB.
func (i *initramfs) find() (err error) {
	const patience = 30 * time.Second
	for begun := time.Now(); ; {
		i.disk, err = disk.Find("/sys", "/dev", i.start.Partition)
		if !errors.Is(err, disk.ErrNone) || time.Since(begun) > patience {
			return err
		}
		time.Sleep(100 * time.Millisecond)
		coldplug(i.modules, i.log)
	}
}

func (i *initramfs) mount() error {
	device, err := i.disk.Partition(numberOf(i.start.Slot))
	if err != nil {
		return err
	}
	checked, err := slot.Map(device)
	if err != nil {
		return err
	}
	if err := unix.Mount(checked, newRoot, "squashfs", unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	return nil
}

func numberOf(s slot.Slot) int {
	if s == slot.B {
		return disk.SlotB
	}
	return disk.SlotA
}
