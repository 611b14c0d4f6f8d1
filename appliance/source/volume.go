package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Volume is a disk or partition with a file system that has a name.
type Volume struct {
	Device string // "/dev/sdb1"
	Name   string // as it is written there
	Kind   string // "vfat", "iso9660" or "ext4", as mount(2) has it
}

// Volumes are the volumes of the machine's disks that have a name, by device. A disk that can't be read has none: it is said
// elsewhere.
func Volumes(sys, dev string) []Volume {
	return slices.DeleteFunc(FileSystems(sys, dev), func(v Volume) bool { return v.Name == "" })
}

// FileSystems are the volumes of the machine's disks, also those without a name.
func FileSystems(sys, dev string) []Volume {
	devices, err := filepath.Glob(filepath.Join(sys, "class/block/*"))
	if err != nil {
		return nil
	}
	var vs []Volume
	for _, d := range devices {
		name := filepath.Base(d)
		if strings.HasPrefix(name, "ram") || strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "zram") {
			continue
		}
		f, err := os.Open(filepath.Join(dev, name))
		if err != nil {
			continue
		}
		if kind, label := identify(f); kind != "" {
			vs = append(vs, Volume{Device: filepath.Join(dev, name), Name: label, Kind: kind})
		}
		f.Close()
	}
	slices.SortFunc(vs, func(a, b Volume) int { return cmp.Compare(a.Device, b.Device) })
	return vs
}

func sameName(a, b string) bool { return strings.EqualFold(a, b) }

// identify reads the kind and the name of a file system from its first blocks.
func identify(r io.ReaderAt) (kind, name string) {
	for _, f := range []struct {
		kind    string
		magic   string
		magicAt int64
		nameAt  int64
		size    int
	}{
		{"vfat", "FAT32   ", 82, 71, 11}, // Microsoft's FAT specification: BS_FilSysType, BS_VolLab
		{"vfat", "FAT1", 54, 43, 11},
		{"iso9660", "\x01CD001", 32768, 32768 + 40, 32}, // ECMA-119 section 8.4
		{"ext4", "\x53\xef", 1024 + 56, 1024 + 120, 16}, // fs/ext4/ext4.h: s_magic, s_volume_name
	} {
		magic, label := make([]byte, len(f.magic)), make([]byte, f.size)
		if _, err := r.ReadAt(magic, f.magicAt); err != nil || string(magic) != f.magic {
			continue
		}
		if _, err := r.ReadAt(label, f.nameAt); err != nil {
			continue
		}
		label, _, _ = bytes.Cut(label, []byte{0})
		if name = strings.TrimSpace(string(label)); name == "NO NAME" {
			name = ""
		}
		return f.kind, name
	}
	return "", ""
}

// Read mounts the volume read-only on a folder, and reads the configuration there.
func (v Volume) Read(folder string) (files Files, err error) {
	done, err := v.Mount(folder, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return Folder(folder)
}

// Mount mounts the volume on a folder until done is called, which waits until everything is written.
func (v Volume) Mount(folder string, writable bool) (done func() error, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if !writable {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount(v.Device, folder, v.Kind, flags, ""); err != nil {
		return nil, fmt.Errorf("mounting it as %s: %w", v.Kind, err)
	}
	return func() error {
		if writable {
			unix.Sync()
		}
		return unix.Unmount(folder, unix.MNT_DETACH)
	}, nil
}
