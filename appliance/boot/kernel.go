package boot

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/kmod"
	"github.com/evenkeel/evenkeel/appliance/slot"
	"github.com/evenkeel/evenkeel/appliance/watchdog"
)

// A Start says what the boot loader said.
type Start struct {
	Slot      slot.Slot
	Partition string // GUID of the slot's
}

// ParseCommandLine finds in the kernel's command line what grub.cfg put there.
func ParseCommandLine(cmdline string) (Start, error) {
	var s Start
	for _, word := range strings.Fields(cmdline) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "evenkeel.slot":
			s.Slot = slot.Slot(value)
		case "evenkeel.partition":
			s.Partition = value
		}
	}
	if s.Slot != slot.A && s.Slot != slot.B || s.Partition == "" {
		return s, fmt.Errorf("the kernel's command line does not say evenkeel.slot=A (or B) and evenkeel.partition=GUID: %q", strings.TrimSpace(cmdline))
	}
	return s, nil
}

func start() (Start, error) {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return Start{}, err
	}
	return ParseCommandLine(string(text))
}

// Release returns the kernel's version, by which its modules lie in /lib/modules.
func Release() (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(u.Release[:]), nil
}

// Modules returns a loader of the running kernel's modules, with the parameters of /etc/modules.conf and of the kernel's
// command line.
func Modules() (*kmod.Loader, error) {
	release, err := Release()
	if err != nil {
		return nil, err
	}
	l, err := kmod.Open("/lib/modules/" + release)
	if err != nil {
		return nil, err
	}
	file, err := os.ReadFile("/etc/modules.conf")
	if err != nil && !os.IsNotExist(err) { // the initramfs has none
		return nil, err
	}
	cmdline, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return nil, err
	}
	l.Params = kmod.Params(string(file), string(cmdline))
	return l, nil
}

// coldplug loads the drivers of what hardware there is. One that does not load is said, and no error: there are others. A
// driver that finds nothing to drive (ENODEV) is as usual.
func coldplug(l *kmod.Loader, log *Log) {
	before := len(l.Loaded())
	for _, err := range l.Coldplug("/sys/devices") {
		if errors.Is(err, unix.ENODEV) {
			log.Debug("%v", err)
		} else {
			log.Error("%v", err)
		}
	}
	log.Debug("loaded: %s", strings.Join(l.Loaded()[before:], " "))
}

// openWatchdog opens the hardware's watchdog, or the kernel's own if the hardware has none.
func openWatchdog(l *kmod.Loader) (*watchdog.Dog, error) {
	const device = "/dev/watchdog"
	if _, err := os.Stat(device); err != nil {
		if err := l.Load("softdog"); err != nil {
			return nil, err
		}
	}
	return watchdog.Open(device)
}
