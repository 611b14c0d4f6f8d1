package kmod

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Dep returns the text of a modules.dep for modules that lie in one folder, as modprobe reads it: each file, and all that
// it needs, to be loaded from the last to the first.
func Dep(list []Module) string {
	byName := map[string]Module{}
	for _, m := range list {
		byName[name(m.Name)] = m
	}
	var b strings.Builder
	for _, m := range list {
		var needs []string
		var add func(Module)
		add = func(m Module) {
			for _, d := range m.Depends {
				dep, ok := byName[name(d)]
				if !ok || slices.Contains(needs, filepath.Base(dep.File)) {
					continue
				}
				add(dep)
				needs = append(needs, filepath.Base(dep.File))
			}
		}
		add(m)
		slices.Reverse(needs)
		fmt.Fprintf(&b, "%s: %s\n", filepath.Base(m.File), strings.Join(needs, " "))
	}
	return b.String()
}

// Alias returns the text of a modules.alias.
func Alias(list []Module) string {
	var b strings.Builder
	for _, m := range list {
		for _, a := range m.Aliases {
			fmt.Fprintf(&b, "alias %s %s\n", a, m.Name)
		}
	}
	return b.String()
}

// Softdep returns the text of a modules.softdep: what is to be loaded before a module, without being needed by it.
func Softdep(list []Module) string {
	var b strings.Builder
	for _, m := range list {
		if len(m.Soft) > 0 {
			fmt.Fprintf(&b, "softdep %s pre: %s\n", m.Name, strings.Join(m.Soft, " "))
		}
	}
	return b.String()
}

// Builtin returns the text of a modules.builtin: the modules that are part of the kernel, sorted.
func (t *Tree) Builtin() string {
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(t.builtin)) {
		fmt.Fprintf(&b, "%s.ko\n", n)
	}
	return b.String()
}
