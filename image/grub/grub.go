// Package grub makes what starts a kernel: GRUB for BIOS, and the script with which it and Debian's signed GRUB choose
// one of two slots by counters of tries.
package grub

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/image/tool"
)

//go:embed grub.cfg
var script string

// Script returns grub.cfg, which lies on the EFI system partition as /grub/grub.cfg for every firmware. It starts kernels
// with the given command line, in addition to what says the slot and its partition's GUID.
func Script(cmdline string) []byte {
	return []byte(strings.ReplaceAll(script, "@CMDLINE@", cmdline))
}

// SignedScript is what Debian's signed GRUB looks for, at /EFI/debian/grub.cfg.
const SignedScript = "configfile ($root)/grub/grub.cfg\n"

// Counter returns a new environment block of GRUB (1024 bytes) with these variables, "name=value".
func Counter(ctx context.Context, dir string, variables ...string) ([]byte, error) {
	file := filepath.Join(dir, "grubenv")
	if _, err := (tool.Runner{}).Run(ctx, "grub-editenv", file, "create"); err != nil {
		return nil, err
	}
	if _, err := (tool.Runner{}).Run(ctx, "grub-editenv", append([]string{file, "set"}, variables...)...); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// early runs before the script is found: it says that this GRUB can check hashes.
const early = "set check=1\nexport check\nnormal\n"

// modules are what the script needs, and what finds it.
var modules = strings.Fields(`part_gpt fat squash4 xzio gzio normal configfile linux regexp loadenv test true echo probe
	serial terminal minicmd reboot sleep hashsum gcry_sha256 biosdisk`)

// Core returns GRUB's core image for BIOS, which lies in the BIOS boot partition and finds its script on partition 2 of
// the disk it was loaded from, and the boot sector that loads it (see disk.EmbedGRUB). files is the folder of the modules,
// /usr/lib/grub/i386-pc of Debian's grub-pc-bin.
func Core(ctx context.Context, dir, files string) (core, sector []byte, err error) {
	config, out := filepath.Join(dir, "early.cfg"), filepath.Join(dir, "core.img")
	if err := os.WriteFile(config, []byte(early), 0o644); err != nil {
		return nil, nil, err
	}
	args := append([]string{"-O", "i386-pc", "-d", files, "-c", config, "-p", "(,gpt2)/grub", "-o", out}, modules...)
	if _, err := (tool.Runner{}).Run(ctx, "grub-mkimage", args...); err != nil {
		return nil, nil, fmt.Errorf("make GRUB for BIOS: %w", err)
	}
	if core, err = os.ReadFile(out); err != nil {
		return nil, nil, err
	}
	if sector, err = os.ReadFile(filepath.Join(files, "boot.img")); err != nil {
		return nil, nil, fmt.Errorf("read GRUB's boot sector: %w", err)
	}
	return core, sector, nil
}
