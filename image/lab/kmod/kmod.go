// Package kmod finds kernel modules and what they depend on, from the .modinfo section of the files themselves
// (include/linux/module.h): no depmod, no modules.dep.
package kmod

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Tree is the modules of one kernel: a folder like /lib/modules/6.1.0.
type Tree struct {
	Release string // the folder's name, which is the kernel's own (uname -r)
	files   map[string]string
	builtin map[string]bool
}

// A Module is a module file and what it says about itself.
type Module struct {
	Name    string // with underscores, as lsmod prints it
	File    string
	Depends []string // names
	Aliases []string // patterns by which the kernel asks for it: "net-pf-16-proto-16-family-IPVS"
	Soft    []string // names or aliases that are to be loaded before it if there are such ("softdep pre:")
}

// Open lists the modules of a folder. It opens none of them.
func Open(dir string) (*Tree, error) {
	t := &Tree{Release: filepath.Base(dir), files: map[string]string{}, builtin: map[string]bool{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".ko") {
			t.files[name(path)] = path
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the kernel modules: %w", err)
	}
	if len(t.files) == 0 {
		return nil, fmt.Errorf("no kernel module (*.ko) below %s", dir)
	}
	f, err := os.Open(filepath.Join(dir, "modules.builtin"))
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		t.builtin[name(lines.Text())] = true
	}
	return t, lines.Err()
}

// Has says whether the kernel has a module of that name, as a file or built in.
func (t *Tree) Has(module string) bool {
	module = name(module)
	return t.builtin[module] || t.files[module] != ""
}

// Below returns the names of the modules at a path below the folder kernel/ of the tree, sorted: a file without its ".ko", or a folder
// with all that is in it.
func (t *Tree) Below(path string) (names []string) {
	for n, file := range t.files {
		_, rel, ok := strings.Cut(strings.TrimSuffix(file, ".ko"), "/"+t.Release+"/kernel/")
		if ok && (rel == path || strings.HasPrefix(rel, path+"/")) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Closure returns the named modules and all that they depend on, dependencies first, each once. Names that are built in or
// that this kernel does not have (see Has) are left out.
func (t *Tree) Closure(names ...string) ([]Module, error) {
	var list []Module
	seen := map[string]bool{}
	var add func(string) error
	add = func(n string) error {
		n = name(n)
		file := t.files[n]
		if seen[n] || file == "" {
			return nil
		}
		seen[n] = true
		m, err := read(file)
		if err != nil {
			return err
		}
		for _, d := range slices.Concat(m.Depends, m.Soft) {
			if err := add(d); err != nil {
				return err
			}
		}
		list = append(list, m)
		return nil
	}
	for _, n := range names {
		if err := add(n); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// read reads what a module says about itself.
func read(file string) (Module, error) {
	m := Module{Name: name(file), File: file}
	f, err := elf.Open(file)
	if err != nil {
		return m, fmt.Errorf("read kernel module %s: %w", file, err)
	}
	defer f.Close()
	s := f.Section(".modinfo")
	if s == nil {
		return m, fmt.Errorf("read kernel module %s: no .modinfo section", file)
	}
	data, err := s.Data()
	if err != nil {
		return m, fmt.Errorf("read kernel module %s: %w", file, err)
	}
	for _, entry := range strings.Split(string(data), "\x00") {
		key, value, _ := strings.Cut(entry, "=")
		switch {
		case key == "depends" && value != "":
			m.Depends = strings.Split(value, ",")
		case key == "alias":
			m.Aliases = append(m.Aliases, value)
		case key == "softdep":
			m.Soft = append(m.Soft, before(value)...)
		}
	}
	return m, nil
}

// before returns what a softdep wants loaded before the module: "pre: crc32c post: b" is crc32c.
func before(softdep string) (pre []string) {
	in := false
	for _, w := range strings.Fields(softdep) {
		switch {
		case strings.HasSuffix(w, ":"):
			in = w == "pre:"
		case in:
			pre = append(pre, w)
		}
	}
	return pre
}

// name makes "kernel/net/ipv6/ip6-tunnel.ko" the module's name, "ip6_tunnel".
func name(s string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(s), ".ko"), "-", "_")
}
