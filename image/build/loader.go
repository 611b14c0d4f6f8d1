package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/image/disk"
	"github.com/evenkeel/evenkeel/image/grub"
)

// cmdline is the kernel's command line, but for what GRUB adds. Everything that ends in a panic or an oops ends in a
// restart after some seconds, so that the slot's counter decides: Debian's kernel would stop for ever. What programs write to
// /dev/kmsg is not held back, and shown from "warning" on, as what the kernel itself says.
var cmdline = strings.Join([]string{
	"console=tty0", "console=ttyS0,115200", "panic=5", "oops=panic", "printk.devkmsg=on", "loglevel=5",
}, " ")

// fatFile is a file on a FAT file system: its path, and where its content is.
type fatFile struct{ name, from string }

// fat makes a FAT file system with some files. Its times are SOURCE_DATE_EPOCH's.
func (b *builder) fat(ctx context.Context, out string, bytes int64, id, label string, format []string, files []fatFile) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := f.Truncate(bytes); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	args := append(format, "--invariant", "-i", id, "-n", label, out)
	if _, err := b.run(ctx, "mkfs.vfat", args...); err != nil {
		return err
	}
	made := map[string]bool{".": true, "/": true}
	for _, file := range files {
		for _, dir := range above(file.name) {
			if !made[dir] {
				made[dir] = true
				if _, err := b.run(ctx, "mmd", "-i", out, "::"+dir); err != nil {
					return err
				}
			}
		}
		if _, err := b.run(ctx, "mcopy", "-i", out, file.from, "::"+file.name); err != nil {
			return err
		}
	}
	return nil
}

// above returns the folders above a path, the topmost first.
func above(path string) (dirs []string) {
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		dirs = append([]string{dir}, dirs...)
	}
	return dirs
}

// counter makes the counter partition.
func (b *builder) counter(ctx context.Context) error {
	counter, err := grub.Counter(ctx, b.Work, "order=AB", "left_A=3", "left_B=0")
	if err == nil {
		err = os.WriteFile(b.work("counter.env"), counter, 0o644)
	}
	if err == nil {
		err = b.fat(ctx, b.work("counter"), disk.CounterSize, "65766b03", "COUNTER", []string{"-F12"}, []fatFile{{"/grubenv", b.work("counter.env")}})
	}
	if err != nil {
		return fmt.Errorf("make the counter partition: %w", err)
	}
	return nil
}

// loader makes what starts a kernel: GRUB for BIOS, and the EFI system partition.
func (b *builder) loader(ctx context.Context) (string, error) {
	core, sector, err := grub.Core(ctx, b.Work, filepath.Join(b.packages["grub-pc-bin"].Dir, "usr/lib/grub/i386-pc"))
	if err != nil {
		return "", err
	}
	b.core, b.sector = core, sector
	for name, data := range map[string][]byte{
		"grub.cfg": grub.Script(cmdline), "signed.cfg": []byte(grub.SignedScript),
	} {
		if err := os.WriteFile(b.work(name), data, 0o644); err != nil {
			return "", err
		}
	}
	if _, err := b.run(ctx, "grub-script-check", b.work("grub.cfg")); err != nil {
		return "", err
	}
	files := []fatFile{
		{"/EFI/BOOT/BOOTX64.EFI", filepath.Join(b.packages["shim-signed"].Dir, "usr/lib/shim/shimx64.efi.signed")},
		{"/EFI/BOOT/grubx64.efi", filepath.Join(b.packages["grub-efi-amd64-signed"].Dir, "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")},
		{"/EFI/BOOT/mmx64.efi", filepath.Join(b.packages["shim-helpers-amd64-signed"].Dir, "usr/lib/shim/mmx64.efi.signed")},
		{"/EFI/debian/grub.cfg", b.work("signed.cfg")},
		{"/grub/grub.cfg", b.work("grub.cfg")},
	}
	if err := b.fat(ctx, b.work("esp"), disk.ESPSize, "65766b02", "EVENKEEL", []string{"-F32", "-s4"}, files); err != nil {
		return "", fmt.Errorf("make the EFI system partition: %w", err)
	}
	return fmt.Sprintf("core image %d KiB", len(core)>>10), nil
}

// disk makes the image of all of it.
func (b *builder) disk(context.Context) (string, error) {
	img := b.work("img")
	if err := disk.Create(img); err != nil {
		return "", err
	}
	for _, p := range []struct {
		number int
		file   string
	}{{disk.ESP, "esp"}, {disk.Counter, "counter"}, {disk.SlotA, "slot"}} {
		if err := disk.Fill(img, p.number, b.work(p.file)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d MiB", disk.Size>>20), disk.EmbedGRUB(img, b.core, b.sector)
}
