package build

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/image/lab/cpio"
	"github.com/evenkeel/evenkeel/image/lab/kmod"
	"github.com/evenkeel/evenkeel/image/modules"
	"github.com/evenkeel/evenkeel/image/tool"
	"github.com/evenkeel/evenkeel/rootfs"
)

// initNames are the names under which init is called in the box, beside /sbin/init.
var initNames = []string{"modprobe", "reboot", "poweroff"}

// tree opens the modules of the kernel.
func (b *builder) tree() (*kmod.Tree, error) {
	dirs, err := filepath.Glob(filepath.Join(b.packages[kernelPackage].Dir, "lib/modules/*"))
	if err != nil || len(dirs) != 1 {
		return nil, fmt.Errorf("package %s has %d kernels, want 1", b.packages[kernelPackage].Name, len(dirs))
	}
	return kmod.Open(dirs[0])
}

// initramfs makes the first file system that the kernel sees: init, and the modules that reach the disk.
func (b *builder) initramfs(ctx context.Context) (string, error) {
	t, err := b.tree()
	if err != nil {
		return "", err
	}
	list, err := modules.Boot(t)
	if err != nil {
		return "", err
	}
	init, err := os.ReadFile(b.Init)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	w := cpio.NewWriter(&buf)
	for _, dir := range []string{"dev", "proc", "sys", "root"} {
		if err := w.Dir(dir); err != nil {
			return "", err
		}
	}
	if err := w.File("init", 0o755, init); err != nil {
		return "", err
	}
	if err := w.Symlink("sbin/modprobe", "/init"); err != nil {
		return "", err
	}
	if err := modules.Install(t, list, w); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	file := b.work("initrd.cpio")
	if err := os.WriteFile(file, buf.Bytes(), 0o644); err != nil {
		return "", err
	}
	if _, err := (tool.Runner{}).Run(ctx, "zstd", "-q", "-19", "-T1", "-f", file, "-o", b.work("initrd.img")); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d modules, %s", len(list), size(b.work("initrd.img"))), nil
}

// root makes the folder that becomes a slot's file system.
func (b *builder) root(ctx context.Context) (string, error) {
	root := folder(b.work("root"))
	t, err := b.tree()
	if err != nil {
		return "", err
	}
	list, err := modules.Root(t)
	if err != nil {
		return "", err
	}
	if err := modules.Install(t, list, root); err != nil {
		return "", err
	}
	if err := b.programs(ctx, root); err != nil {
		return "", err
	}
	if err := b.counter(ctx); err != nil {
		return "", err
	}
	if err := b.files(root); err != nil {
		return "", err
	}
	keys, err := b.keys(root)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("kernel %s, %d modules; %s", t.Release, len(list), keys), nil
}

// programs puts in what runs: init under its names, evenkeel, and what they call.
func (b *builder) programs(ctx context.Context, root folder) error {
	if err := root.Copy("sbin/init", 0o755, b.Init); err != nil {
		return err
	}
	if err := root.Copy("sbin/evenkeel", 0o755, b.Evenkeel); err != nil {
		return err
	}
	if err := root.Copy("sbin/evenkeel-forms", 0o755, b.Forms); err != nil {
		return err
	}
	for _, name := range initNames {
		if err := root.Symlink("sbin/"+name, "init"); err != nil {
			return err
		}
	}
	for _, name := range []string{"mke2fs", "e2fsck"} {
		if err := install(root, b.packages, name); err != nil {
			return err
		}
	}
	busybox := filepath.Join(b.packages["busybox-static"].Dir, "bin/busybox")
	if err := root.Copy("bin/busybox", 0o755, busybox); err != nil {
		return err
	}
	applets, err := (tool.Runner{}).Run(ctx, busybox, "--list")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(applets) {
		if _, err := os.Lstat(root.path("sbin/" + name)); err == nil {
			continue // ours
		}
		if err := root.Symlink("bin/"+name, "busybox"); err != nil {
			return err
		}
	}
	return nil
}

// files puts in what does not run: mount points, links to where the box writes, rootfs/, the kernel with its initramfs.
func (b *builder) files(root folder) error {
	for _, dir := range []string{"dev", "proc", "sys", "run", "tmp", "data", "mnt"} {
		if err := root.Dir(dir); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"var/lib/evenkeel": "/data/state", "etc/evenkeel": "/data/config/current", "var/run": "/run", "var/tmp": "/tmp", "var/log": "/run/log",
		"etc/resolv.conf": "/run/resolv.conf", "etc/mtab": "/proc/self/mounts", "root": "/data/root",
		"usr/bin": "../bin", "usr/sbin": "../sbin", "usr/lib": "../lib",
	} {
		if err := root.Symlink(name, target); err != nil {
			return err
		}
	}
	certs, err := certificates(b.packages["ca-certificates"])
	if err != nil {
		return err
	}
	release := fmt.Sprintf("NAME=evenkeel\nID=evenkeel\nPRETTY_NAME=\"evenkeel %s\"\nVERSION_ID=%s\n", b.Version, b.Version)
	for name, data := range map[string][]byte{
		"etc/ssl/certs/ca-certificates.crt": certs,
		"etc/os-release":                    []byte(release),
	} {
		if err := root.File(name, 0o644, data); err != nil {
			return err
		}
	}
	err = fs.WalkDir(rootfs.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := rootfs.Files.ReadFile(name)
		if err != nil {
			return err
		}
		return root.File(name, 0o644, data)
	})
	if err != nil {
		return err
	}
	return b.kernel(root)
}

// kernel puts the kernel and the initramfs into /boot, where GRUB reads them, with the hashes that GRUB checks first; and the
// counter partition as it should be, for the box to mend it by.
func (b *builder) kernel(root folder) error {
	vmlinuz, err := filepath.Glob(filepath.Join(b.packages[kernelPackage].Dir, "boot/vmlinuz-*"))
	if err != nil || len(vmlinuz) != 1 {
		return fmt.Errorf("package %s has %d kernels, want 1", b.packages[kernelPackage].Name, len(vmlinuz))
	}
	var sums strings.Builder
	for name, from := range map[string]string{"vmlinuz": vmlinuz[0], "initrd.img": b.work("initrd.img"), "counter": b.work("counter")} {
		if err := root.Copy("boot/"+name, 0o644, from); err != nil {
			return err
		}
	}
	for _, name := range []string{"vmlinuz", "initrd.img"} {
		sum, err := sha256File(root.path("boot/" + name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
	}
	return root.File("boot/SHA256SUMS", 0o644, []byte(sums.String()))
}
