package supervisor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// openPinned opens somebody else's plugin and checks that it is the one that was meant. The caller executes the open
// file, not its path: what is at the path by then is nobody's business.
func openPinned(path, sum string) (*os.File, error) {
	f, err := openPlugin(path)
	if err != nil {
		return nil, err
	}
	if err := checkSum(f, path, sum); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openPlugin opens a file that may be a plugin.
func openPlugin(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the plugin: %w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("opening the plugin: %w", err)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("opening the plugin: %s is not a regular file", path)
	case info.Mode().Perm()&0o111 == 0:
		err = fmt.Errorf("opening the plugin: %s is not executable: if it is a plugin, chmod 755 it", path)
	case info.Mode().Perm()&0o002 != 0:
		err = fmt.Errorf("opening the plugin: everybody may write to %s: chmod o-w it", path)
	default:
		return f, nil
	}
	f.Close()
	return nil, err
}

// Sum returns what pins a file that may be a plugin: its sha256 in 64 hexadecimal digits.
func Sum(path string) (string, error) {
	f, err := openPlugin(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return sumOf(f)
}

func sumOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading the plugin: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func checkSum(f *os.File, path, sum string) error {
	got, err := sumOf(f)
	if err != nil {
		return err
	}
	if !strings.EqualFold(got, sum) {
		return fmt.Errorf("checking the plugin: %s has the sha256 %s, not %s", path, got, sum)
	}
	return nil
}
