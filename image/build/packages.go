package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/image/apt"
)

// kernelPackage depends on the newest kernel of this Debian.
const kernelPackage = "linux-image-amd64"

// packages are those of Debian that have something in an image, beside the kernel.
var packages = []string{
	"shim-signed",               // what the firmware starts under Secure Boot, signed by Microsoft
	"shim-helpers-amd64-signed", // MokManager, which shim asks for
	"grub-efi-amd64-signed",     // what shim starts, signed by Debian
	"grub-pc-bin",               // GRUB for BIOS
	"e2fsprogs",                 // makes and checks the data partition
	"libext2fs2", "libcom-err2", // and what it is linked with
	"libblkid1", "libuuid1", "libc6",
	"busybox-static",  // the shell of scripts and of emergencies
	"ca-certificates", // whom checks and mails trust
}

// A Package is one of Debian, downloaded and unpacked.
type Package struct {
	Name, Version string
	Dir           string // of its files
}

// fetch unpacks the newest version of each package into the cache, unless it is there, and returns them by name.
func fetch(ctx context.Context, cache string, progress io.Writer) (map[string]Package, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	src := &apt.Source{Progress: progress}
	kernel, err := src.Dependency(ctx, kernelPackage)
	if err != nil {
		return nil, err
	}
	all := map[string]Package{}
	for _, name := range append([]string{kernel}, packages...) {
		version, err := src.Version(ctx, name)
		if err != nil {
			return nil, err
		}
		p := Package{Name: name, Version: version, Dir: filepath.Join(cache, name+"_"+strings.ReplaceAll(version, ":", "%3a"))}
		if _, err := os.Stat(p.Dir); err != nil {
			fmt.Fprintf(progress, "  downloading %s %s\n", name, version)
			if err := src.Unpack(ctx, name, p.Dir); err != nil {
				return nil, err
			}
		}
		if name == kernel {
			name = kernelPackage // under which the builder asks for it
		}
		all[name] = p
	}
	return all, nil
}
