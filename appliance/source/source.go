// Package source finds the configuration that a box is given with its first start.
//
// A box that has none takes the first that it finds, in this order: its data partition (package archive), a disk with the
// name "cidata" as NoCloud has it, a stick with the name "CONFIG", QEMU's fw_cfg. If none of them has one, the wizard asks.
//
// Who makes a stick makes it on any machine and with any editor, so nothing on it is taken for granted: files may be huge,
// folders, links, half-written or in another encoding. What can't be used is said in words.
package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Files are the files of a configuration, by name.
type Files = map[string][]byte

// A Source is a place where a configuration may lie.
type Source struct {
	Name string // "disk cidata (/dev/vdb)", as it is shown
	// Read returns the files. An error that is fs.ErrNotExist means that there are none.
	Read func() (Files, error)
}

// ErrNone means that no source has a configuration.
var ErrNone = errors.New("no configuration was given: no disk \"cidata\", no stick \"CONFIG\", nothing in fw_cfg")

// Acquire takes the configuration of the first source that has a good one: take checks it and makes it the box's own.
// problems say what was found and not used. The error is ErrNone if nothing was found at all, and says that nothing good was
// found otherwise.
func Acquire(sources []Source, take func(name string, files Files) error) (from string, problems []error, err error) {
	for _, s := range sources {
		files, err := s.Read()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = take(s.Name, files)
		}
		if err == nil {
			return s.Name, problems, nil
		}
		problems = append(problems, fmt.Errorf("the configuration on %s: %w", s.Name, err))
	}
	if len(problems) > 0 {
		return "", problems, errors.New("no configuration that was given is good")
	}
	return "", nil, ErrNone
}

// Names of disks that a configuration is looked for on, in order.
var names = []string{"cidata", "CONFIG"}

// All are the sources of this machine behind the data partition, in the stated order. mount is an empty folder.
func All(mount string) []Source {
	var sources []Source
	volumes := Volumes("/sys", "/dev")
	for _, name := range names {
		for _, v := range volumes {
			if sameName(v.Name, name) {
				sources = append(sources, Source{Name: fmt.Sprintf("the disk called %s (%s)", v.Name, v.Device), Read: func() (Files, error) { return v.Read(mount) }})
			}
		}
	}
	return append(sources, Source{Name: "the firmware's settings (fw_cfg)", Read: func() (Files, error) { return firmware(firmwareFile) }})
}

// firmwareFile is what "-fw_cfg name=opt/org.evenkeel/evenkeel.hcl,file=..." of QEMU becomes
// (Documentation/ABI/testing/sysfs-firmware-qemu_fw_cfg); the module qemu_fw_cfg must be loaded.
const firmwareFile = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.evenkeel/evenkeel.hcl/raw"

func firmware(path string) (Files, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := read(f, "the setting opt/org.evenkeel/evenkeel.hcl")
	if err != nil {
		return nil, err
	}
	return Files{"evenkeel.hcl": text}, nil
}
