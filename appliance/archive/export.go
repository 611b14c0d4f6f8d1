package archive

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Export writes files as a gzipped tar archive, which Import and every other tar read.
func Export(w io.Writer, files Files, at time.Time) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name])), ModTime: at.Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return fmt.Errorf("exporting %s: %w", name, err)
		}
		if _, err := t.Write(files[name]); err != nil {
			return fmt.Errorf("exporting %s: %w", name, err)
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return fmt.Errorf("exporting the configuration: %w", err)
	}
	return nil
}

// Import reads what Export has written. What it is given may be anything: it reads no more than a configuration may be, and
// takes nothing but files with names of a configuration's.
func Import(r io.Reader) (Files, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, errors.New("this is no exported configuration: it is not compressed by gzip")
	}
	files := Files{}
	left := int64(MostSize)
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			// What is behind the files is gzip's sum of everything, without which some of it may be missing.
			if n, err := io.CopyN(io.Discard, z, 1<<20); err != io.EOF {
				return nil, fmt.Errorf("reading the end of the exported configuration, behind which are %d bytes more: %w", n, err)
			}
			return files, bounded(files)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the exported configuration, which is damaged or cut off: %w", err)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if _, twice := files[h.Name]; h.Typeflag != tar.TypeReg || !isFileName(h.Name) || twice {
			return nil, fmt.Errorf("reading the exported configuration: %q is not a file of one", h.Name)
		}
		text, err := io.ReadAll(io.LimitReader(t, left+1))
		if err != nil {
			return nil, fmt.Errorf("reading %s of the exported configuration: %w", h.Name, err)
		}
		if left -= int64(len(text)); left < 0 || len(files) == MostFile {
			return nil, fmt.Errorf("a configuration has at most %d files and %d MiB, and this has more", MostFile, MostSize>>20)
		}
		files[h.Name] = text
	}
}

// Print writes files for a person, each under its name.
func Print(w io.Writer, files Files) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, err := fmt.Fprintf(w, "# ---- %s\n%s", name, files[name]); err != nil {
			return err
		}
	}
	return nil
}
