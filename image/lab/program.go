package lab

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

var libraryPath = regexp.MustCompile(`(/\S+) \(0x`)

// program returns a program of the host and the shared libraries that it needs, at the paths they have here.
func program(path string) ([]File, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	files := []File{{Path: path, Source: real, Mode: 0o755}}
	if static, err := isStatic(real); err != nil || static {
		return files, err
	}
	out, err := exec.Command("ldd", real).Output()
	if err != nil {
		return nil, fmt.Errorf("find the libraries of %s: %w", path, err)
	}
	for _, m := range libraryPath.FindAllStringSubmatch(string(out), -1) {
		files = append(files, File{Path: m[1], Source: m[1], Mode: 0o755})
	}
	return files, nil
}

// isStatic says whether a program runs without a dynamic loader. A script counts as static.
func isStatic(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	e, err := elf.NewFile(f)
	if err != nil {
		return true, nil
	}
	return !slices.ContainsFunc(e.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }), nil
}
