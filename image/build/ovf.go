package build

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed machine.ovf
var machine string

// ovf describes a virtual machine with a disk (DMTF DSP0243): 2 processors, 1 GiB of memory, two network cards.
func ovf(name, version string, fileSize, diskSize int64) string {
	return strings.NewReplacer(
		"@NAME@", name, "@VERSION@", version,
		"@FILE@", strconv.FormatInt(fileSize, 10), "@DISK@", strconv.FormatInt(diskSize, 10),
	).Replace(machine)
}
