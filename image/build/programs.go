package build

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// libraries is where a root file system has its shared libraries, and loader where programs ask for the dynamic loader.
const (
	libraries = "lib/x86_64-linux-gnu"
	loader    = "lib64/ld-linux-x86-64.so.2"
)

// find returns the path of a file in one of the packages, by the places where Debian puts such files.
func find(packages map[string]Package, places []string, name string) (string, error) {
	for _, p := range packages {
		for _, place := range places {
			path := filepath.Join(p.Dir, place, name)
			if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("no Debian package that was fetched has %s", name)
}

// install puts a program of a package into the root, with all the shared libraries that it needs.
func install(root folder, packages map[string]Package, name string) error {
	path, err := find(packages, []string{"sbin", "usr/sbin", "bin", "usr/bin"}, name)
	if err != nil {
		return err
	}
	if err := root.Copy("sbin/"+name, 0o755, path); err != nil {
		return err
	}
	needed, err := closure(packages, path)
	if err != nil {
		return err
	}
	for _, lib := range needed {
		if err := root.Copy(libraries+"/"+filepath.Base(lib), 0o755, lib); err != nil {
			return err
		}
	}
	return root.Symlink(loader, "/"+libraries+"/"+filepath.Base(loader))
}

// closure returns the shared libraries that a program needs, and those that they need, the dynamic loader too.
func closure(packages map[string]Package, program string) (libs []string, err error) {
	files := []string{program}
	for i := 0; i < len(files); i++ {
		f, err := elf.Open(files[i])
		if err != nil {
			return nil, fmt.Errorf("read program %s: %w", files[i], err)
		}
		names, err := f.ImportedLibraries()
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read program %s: %w", files[i], err)
		}
		if i == 0 && len(names) > 0 {
			names = append(names, filepath.Base(loader))
		}
		for _, n := range names {
			lib, err := find(packages, []string{libraries, "usr/" + libraries}, n)
			if err != nil {
				return nil, fmt.Errorf("%s needs it: %w", filepath.Base(files[i]), err)
			}
			if !slices.Contains(files, lib) {
				files = append(files, lib)
			}
		}
	}
	return files[1:], nil
}

// certificates returns the certificate authorities of Debian's ca-certificates in one file, as update-ca-certificates does.
func certificates(pkg Package) ([]byte, error) {
	paths, err := filepath.Glob(filepath.Join(pkg.Dir, "usr/share/ca-certificates/mozilla/*.crt"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("package %s has no certificates", pkg.Name)
	}
	var b strings.Builder
	for _, p := range paths { // Glob sorts
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		b.Write(data)
	}
	return []byte(b.String()), nil
}
