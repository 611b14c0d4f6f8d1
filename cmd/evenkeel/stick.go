package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/boot"
	"github.com/evenkeel/evenkeel/appliance/disk"
	"github.com/evenkeel/evenkeel/appliance/source"
)

// A port is where sticks and other disks are plugged in.
type port struct {
	volumes func() ([]source.Volume, error) // those that are no part of the box itself
	mount   func(v source.Volume, folder string, writable bool) (done func() error, err error)
	folder  string // to mount them on
}

// ports are those of this box.
func ports() port {
	return port{folder: "/run/evenkeel/stick", mount: source.Volume.Mount, volumes: func() ([]source.Volume, error) {
		own, err := ownDisk()
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(source.FileSystems("/sys", "/dev"), func(v source.Volume) bool { return isPart(v.Device, own.Path()) }), nil
	}}
}

// ownDisk is the disk that the box was started from.
func ownDisk() (disk.Disk, error) {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return disk.Disk{}, err
	}
	start, err := boot.ParseCommandLine(string(text))
	if err != nil {
		return disk.Disk{}, errors.New("only a box looks for sticks: mount it, and name the file by its path")
	}
	return disk.Find("/sys", "/dev", start.Partition)
}

// isPart says whether a device is a disk or a partition of it: sda1 of sda, nvme0n1p1 of nvme0n1, and not sdaa of sda.
func isPart(device, disk string) bool {
	rest, ok := strings.CutPrefix(device, disk)
	return ok && strings.Trim(rest, "p0123456789") == ""
}

const stickPrefix = "stick:"

// onStick is the path of a file that is named "stick:NAME": the stick is mounted until done is called. With more than one stick
// it is "stick:DEVICE:NAME", as in "stick:sdb1:box.tar.gz". Every other path is one already.
func onStick(where string, writable bool) (path string, done func() error, err error) {
	name, ok := strings.CutPrefix(where, stickPrefix)
	if !ok {
		return where, func() error { return nil }, nil
	}
	return ports().open(name, writable)
}

func (p port) open(name string, writable bool) (path string, done func() error, err error) {
	all, err := p.volumes()
	if err != nil {
		return "", nil, err
	}
	if device, rest, ok := strings.Cut(name, ":"); ok {
		name = rest
		all = slices.DeleteFunc(all, func(v source.Volume) bool { return filepath.Base(v.Device) != device })
	}
	switch {
	case len(all) == 0:
		return "", nil, errors.New("no such stick: plug one in that has a FAT or ext4 file system")
	case len(all) > 1:
		var names []string
		for _, v := range all {
			names = append(names, stickPrefix+filepath.Base(v.Device)+":"+name)
		}
		return "", nil, fmt.Errorf("there are several sticks: write one of %s", strings.Join(names, ", "))
	case !filepath.IsLocal(name):
		return "", nil, fmt.Errorf("%q is no name of a file on a stick, as in stick:box.tar.gz", name)
	}
	done, err = p.mount(all[0], p.folder, writable)
	if err != nil {
		return "", nil, fmt.Errorf("the stick %s: %w", all[0].Device, err)
	}
	return filepath.Join(p.folder, name), done, nil
}

// Files are those on all sticks with one of some endings, as open takes them with "stick:" before it.
func (p port) files(endings ...string) ([]string, error) {
	all, err := p.volumes()
	if err != nil {
		return nil, err
	}
	var found []string
	var problems error
	for _, v := range all {
		done, err := p.mount(v, p.folder, false)
		if err != nil {
			problems = errors.Join(problems, fmt.Errorf("the stick %s: %w", v.Device, err))
			continue
		}
		names, err := list(p.folder, endings)
		problems = errors.Join(problems, err, done())
		for _, n := range names {
			found = append(found, stickPrefix+filepath.Base(v.Device)+":"+n)
		}
	}
	return found, problems
}

// list are the files in a folder, or a folder in it, that end as they should; at most a hundred.
func list(folder string, endings []string) (names []string, err error) {
	return names, fs.WalkDir(os.DirFS(folder), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || len(names) == 100:
			return fs.SkipDir
		case e.IsDir() && strings.Count(path, "/") > 0:
			return fs.SkipDir
		case e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") && slices.ContainsFunc(endings, func(s string) bool { return strings.HasSuffix(e.Name(), s) }):
			names = append(names, path)
		}
		return nil
	})
}

func newSticks() *cobra.Command {
	return &cobra.Command{
		Use: "sticks", Short: "List the updates and configurations on the sticks of a box", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := ports().files(updateEnding, configEnding)
			for _, n := range names {
				fmt.Fprintln(cmd.OutOrStdout(), n)
			}
			if err == nil && names == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "there is none")
			}
			return err
		},
	}
}

// Endings of files that a box takes from a stick.
const (
	updateEnding = ".slot"
	configEnding = ".tar.gz"
)
