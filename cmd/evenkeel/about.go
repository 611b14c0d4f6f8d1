package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/boot"
	"github.com/evenkeel/evenkeel/appliance/update"
)

func newAbout() *cobra.Command {
	return &cobra.Command{
		Use: "about", Short: "Say what this box is: version, slot, kernel, machine, memory, room", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return about(cmd.OutOrStdout(), "/", dataFolder) },
	}
}

// about writes what is known of a machine whose /proc and /sys are in root.
func about(w io.Writer, root, data string) error {
	read := func(path string) string {
		b, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	dmi := func(names ...string) string {
		var words []string
		for _, n := range names {
			words = append(words, read("sys/class/dmi/id/"+n))
		}
		return cmp.Or(strings.Join(strings.Fields(strings.Join(words, " ")), " "), "unknown")
	}
	host := read("proc/sys/kernel/hostname")
	fmt.Fprintf(w, "name      %s\n", host)
	fmt.Fprintf(w, "version   evenkeel %s\n", version)
	if start, err := boot.ParseCommandLine(read("proc/cmdline")); err == nil {
		fmt.Fprintf(w, "slot      %s\n", start.Slot)
		for _, line := range updates(update.Book{Dir: filepath.Join(data, "update")}) {
			fmt.Fprintf(w, "          %s\n", line)
		}
	} else {
		fmt.Fprintf(w, "slot      none: this is no box\n")
	}
	fmt.Fprintf(w, "kernel    %s\n", read("proc/sys/kernel/osrelease"))
	up, _, _ := strings.Cut(read("proc/uptime"), " ")
	if seconds, err := strconv.ParseFloat(up, 64); err == nil {
		fmt.Fprintf(w, "up        %s\n", elapsed(time.Duration(seconds*float64(time.Second))))
	}
	firmware := "BIOS"
	if _, err := os.Stat(filepath.Join(root, "sys/firmware/efi")); err == nil {
		firmware = "UEFI"
	}
	fmt.Fprintf(w, "machine   %s\n", dmi("sys_vendor", "product_name"))
	fmt.Fprintf(w, "serial    %s\n", dmi("product_serial"))
	fmt.Fprintf(w, "firmware  %s, %s\n", firmware, dmi("bios_vendor", "bios_version"))
	fmt.Fprintf(w, "memory    %s\n", memoryOf(read("proc/meminfo")))
	var s unix.Statfs_t
	if err := unix.Statfs(data, &s); err != nil {
		fmt.Fprintf(w, "data      %v\n", fmt.Errorf("%s: %w", data, err))
		return nil
	}
	fmt.Fprintf(w, "data      %d MiB free of %d MiB in %s\n", int64(s.Bavail)*s.Bsize>>20, int64(s.Blocks)*s.Bsize>>20, data)
	return nil
}

// updates are what is known of updates that wait for their trial, or have failed.
func updates(b update.Book) (lines []string) {
	if p, err := b.Pending(); err == nil && p != nil {
		lines = append(lines, fmt.Sprintf("version %s in slot %s is being tried", p.Version, p.Slot))
	}
	if failed, err := b.Failed(); err == nil {
		for _, f := range failed {
			lines = append(lines, fmt.Sprintf("version %s has failed here", f.Version))
		}
	}
	return lines
}

// memoryOf reads proc_meminfo(5).
func memoryOf(meminfo string) string {
	kib := map[string]int{}
	for line := range strings.Lines(meminfo) {
		name, rest, _ := strings.Cut(line, ":")
		if f := strings.Fields(rest); len(f) > 0 {
			kib[name], _ = strconv.Atoi(f[0])
		}
	}
	return fmt.Sprintf("%d MiB available of %d MiB", kib["MemAvailable"]>>10, kib["MemTotal"]>>10)
}
