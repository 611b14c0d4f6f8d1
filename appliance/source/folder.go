package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Bounds of what is read from a disk.
const (
	mostFile  = 1 << 20 // bytes
	mostFiles = 32
	mostNames = 10000 // in a folder
)

// Folder reads the configuration in a folder: the files that end with .hcl in its folder "evenkeel", if it has one, or in
// itself. Nothing outside the folder is reached, whatever links it has.
func Folder(dir string) (Files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, name := range []string{"evenkeel", "."} {
		files, err := folder(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return files, err
	}
	return nil, fmt.Errorf("it has no file that ends with .hcl: %w", fs.ErrNotExist)
}

func folder(root *os.Root, dir string) (Files, error) {
	info, err := root.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fs.ErrNotExist
	}
	d, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	list, err := d.Readdirnames(mostNames)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("listing its files: %w", err)
	}
	slices.Sort(list)
	files := Files{}
	for _, name := range list {
		// What an editor or a system leaves beside a file is hidden: ._evenkeel.hcl of macOS.
		if !strings.HasSuffix(strings.ToLower(name), ".hcl") || strings.HasPrefix(name, ".") {
			continue
		}
		info, err := root.Lstat(path.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no file, but a %s", name, kind(info.Mode()))
		}
		if len(files) == mostFiles {
			return nil, fmt.Errorf("it has more than %d files that end with .hcl", mostFiles)
		}
		f, err := root.OpenFile(path.Join(dir, name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text, err := read(f, name)
		f.Close()
		if err != nil {
			return nil, err
		}
		files[plain(name)] = text
	}
	if len(files) == 0 {
		return nil, fs.ErrNotExist
	}
	return files, nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "folder"
	case m&fs.ModeSymlink != 0:
		return "link"
	}
	return "special file"
}

// plain is a name as evenkeel likes it: a FAT disk may have EVENKEEL.HCL.
func plain(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), " ", "-")
}

// read reads a text of a bounded size, in UTF-8.
func read(r io.Reader, name string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, mostFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) > mostFile {
		return nil, fmt.Errorf("%s is larger than %d KiB, which no configuration is", name, mostFile>>10)
	}
	text, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return text, nil
}

// decode says what is wrong with a text that is no UTF-8, and takes away what Windows puts before one that is.
func decode(b []byte) ([]byte, error) {
	s := string(b)
	switch {
	case strings.TrimSpace(s) == "":
		return nil, errors.New("is empty: was the stick taken out before it was written?")
	case strings.HasPrefix(s, "\xff\xfe"), strings.HasPrefix(s, "\xfe\xff"):
		return nil, errors.New(`is in UTF-16: save it as "UTF-8" in the editor`)
	case strings.ContainsRune(s, 0):
		return nil, errors.New("has bytes that are no text: was the stick taken out before it was written?")
	case !utf8.ValidString(s):
		line := 1 + strings.Count(s[:invalid(s)], "\n")
		return nil, fmt.Errorf("is not in UTF-8 (line %d): save it as \"UTF-8\" in the editor", line)
	}
	return []byte(strings.TrimPrefix(s, "\ufeff")), nil
}

// invalid is where a text stops being UTF-8.
func invalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}
