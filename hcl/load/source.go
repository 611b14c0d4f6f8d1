package load

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// A Source is the text of one file of a configuration.
type Source struct {
	Name string // as it is shown in messages: the path
	Text []byte
}

// read reads the files that paths mean. One that can't be read is an error with its name for a subject.
func read(paths []string, m *Memory, d *Diagnostics) []Source {
	if len(paths) == 0 {
		d.unreadable("", errors.New("no file was named"))
	}
	var sources []Source
	seen := map[string]bool{}
	for _, path := range paths {
		names := []string{path}
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			if names, err = hclFiles(path); err == nil && len(names) == 0 {
				err = fmt.Errorf("the folder %s has no .hcl files", path)
			}
		}
		if err != nil {
			d.unreadable(path, err)
			continue
		}
		for _, name := range names {
			if clean, err := filepath.Abs(name); err == nil {
				if seen[clean] {
					continue
				}
				seen[clean] = true
			}
			text := m.lend(name)
			if *text, err = readFileInto(*text, name); err != nil {
				d.unreadable(name, err)
				continue
			}
			sources = append(sources, Source{Name: name, Text: *text})
		}
	}
	return sources
}

// readFileInto reads a file into memory that is there, or into more of it.
func readFileInto(b []byte, name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() >= int64(cap(b)) {
		b = make([]byte, 0, roomFor(int(info.Size())))
	}
	text := bytes.NewBuffer(b[:0])
	if _, err := text.ReadFrom(f); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// roomFor is how much memory a text gets: it may grow by a few blocks, and its end must be found without more.
func roomFor(size int) int { return size + size/16 + bytes.MinRead }

// hclFiles returns the .hcl files of a folder, sorted; not those of folders below it, and not hidden ones.
func hclFiles(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".hcl") {
			continue
		}
		names = append(names, filepath.Join(folder, e.Name()))
	}
	slices.Sort(names)
	return names, nil
}

// unreadable notes a file that can't be read.
func (d *Diagnostics) unreadable(name string, err error) {
	d.readErr = errors.Join(d.readErr, err)
	d.add(&hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "File can't be read",
		Detail:   strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + ".",
		Subject:  &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
	})
}
