// Package modules chooses the kernel's modules that an image holds: those of boot.list in the initramfs, those of both
// lists in the root file system, each with what it needs. Module files are Debian's own, signed and not stripped.
package modules

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/image/lab/kmod"
)

//go:embed boot.list
var boot string

//go:embed root.list
var root string

// Boot returns the modules of the initramfs.
func Boot(t *kmod.Tree) ([]kmod.Module, error) { return Select(t, boot) }

// Root returns the modules of the root file system.
func Root(t *kmod.Tree) ([]kmod.Module, error) { return Select(t, boot+"\n"+root) }

// Select returns the modules that a list names, dependencies first. A line is a path below kernel/ (see kmod.Tree.Below),
// one with a - before it takes out again what lines above brought; a module that another one needs stays. A path that this
// kernel does not have is an error: a typing mistake would leave out a driver.
func Select(t *kmod.Tree, list string) ([]kmod.Module, error) {
	var names []string
	for _, line := range strings.Split(list, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		path, out := strings.CutPrefix(line, "-")
		found := t.Below(path)
		switch {
		case out:
			names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(found, n) })
		case len(found) > 0:
			names = append(names, found...)
		case !t.Has(path):
			return nil, fmt.Errorf("kernel %s has no module %s", t.Release, path)
		}
	}
	return t.Closure(names...)
}

// A Folder takes files by their names in the file system that is being made.
type Folder interface {
	File(name string, mode uint32, data []byte) error
}

// Install puts the modules into lib/modules/RELEASE, all in this one folder, with the indexes of modules.dep(5): dep,
// alias, softdep, builtin.
func Install(t *kmod.Tree, list []kmod.Module, to Folder) error {
	dir := "lib/modules/" + t.Release + "/"
	for _, m := range list {
		data, err := os.ReadFile(m.File)
		if err != nil {
			return fmt.Errorf("read kernel module %s: %w", m.Name, err)
		}
		if err := to.File(dir+filepath.Base(m.File), 0o644, data); err != nil {
			return err
		}
	}
	for _, index := range []struct{ name, text string }{
		{"modules.dep", kmod.Dep(list)},
		{"modules.alias", kmod.Alias(list)},
		{"modules.softdep", kmod.Softdep(list)},
		{"modules.builtin", t.Builtin()},
	} {
		if err := to.File(dir+index.name, 0o644, []byte(index.text)); err != nil {
			return err
		}
	}
	return nil
}
