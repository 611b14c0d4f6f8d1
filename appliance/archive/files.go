package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// bounded says what is wrong with files, whatever is in them.
func bounded(files Files) error {
	if len(files) == 0 {
		return errors.New("a configuration has at least one file, and there is none")
	}
	if len(files) > MostFile {
		return fmt.Errorf("a configuration has at most %d files, and these are %d", MostFile, len(files))
	}
	size := 0
	for name, text := range files {
		if !isFileName(name) {
			return fmt.Errorf("%q can't be the name of a file of a configuration: write one as in \"evenkeel.hcl\"", name)
		}
		size += len(text)
	}
	if size > MostSize {
		return fmt.Errorf("a configuration has at most %d MiB, and this has %.1f", MostSize>>20, float64(size)/(1<<20))
	}
	return nil
}

func isFileName(name string) bool {
	return strings.HasSuffix(name, ".hcl") && len(name) <= 100 && !strings.HasPrefix(name, ".") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r <= ' ' || r == 0x7f })
}

// readFiles reads the .hcl files of a folder.
func readFiles(dir string) (Files, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	files := Files{}
	for _, e := range entries {
		if !isFileName(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
	}
	return files, nil
}

// hashOf is the SHA-256 of all names and texts, each with its length before it.
func hashOf(files Files) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%d %s %d\n%s", len(name), name, len(files[name]), files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeFile writes a file that only its owner may read, and waits until it is on the disk.
func writeFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
