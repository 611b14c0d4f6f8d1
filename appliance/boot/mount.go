package boot

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A mount is a file system of the kernel's own, and where it belongs.
type mount struct {
	kind, at string
	flags    uintptr
	data     string
}

const plain = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// early are what the initramfs needs; they move on into the root file system.
var early = []mount{
	{"devtmpfs", "/dev", unix.MS_NOSUID, "mode=755"},
	{"proc", "/proc", plain, ""},
	{"sysfs", "/sys", plain, ""},
}

// late are those of the running box. What a box writes outside /data is gone after a restart, and bounded.
var late = []mount{
	{"tmpfs", "/run", unix.MS_NOSUID | unix.MS_NODEV, "mode=755,size=25%"},
	{"tmpfs", "/tmp", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777,size=25%"},
	{"devpts", "/dev/pts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=620,ptmxmode=666"},
	{"tmpfs", "/dev/shm", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777,size=10%"},
	{"cgroup2", "/sys/fs/cgroup", plain, ""},
	{"securityfs", "/sys/kernel/security", plain, ""},
	{"pstore", "/sys/fs/pstore", plain, ""},
}

// mountAll mounts some of the kernel's file systems. All are tried; the error is the first.
func mountAll(mounts []mount) (failed error) {
	for _, m := range mounts {
		// Folders in the kernel's own file systems are made by the kernel, if it has what they are for.
		_ = os.MkdirAll(m.at, 0o755)
		if err := unix.Mount(m.kind, m.at, m.kind, m.flags, m.data); err != nil && failed == nil {
			failed = fmt.Errorf("mount %s on %s: %w", m.kind, m.at, err)
		}
	}
	return failed
}

// switchRoot makes the file system that is mounted at dir the root, with the early mounts, and frees the initramfs, which
// is memory.
func switchRoot(dir string) error {
	for _, m := range early {
		if err := unix.Mount(m.at, dir+m.at, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s to the root file system: %w", m.at, err)
		}
	}
	if err := empty("/"); err != nil {
		return fmt.Errorf("free the initramfs: %w", err)
	}
	if err := unix.Chdir(dir); err != nil {
		return fmt.Errorf("go to the root file system: %w", err)
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root file system: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("enter the root file system: %w", err)
	}
	return unix.Chdir("/")
}

// empty removes everything below a folder that is on the same file system.
func empty(dir string) error {
	var here unix.Stat_t
	if err := unix.Lstat(dir, &here); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := dir + "/" + e.Name()
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil || st.Dev != here.Dev {
			continue
		}
		if e.IsDir() {
			if err := empty(path); err != nil {
				return err
			}
		}
		_ = os.Remove(path) // a folder that holds a mount stays
	}
	return nil
}
