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
		err = fmt.Errorf("opening the plugin: %s is not executable", path)
	case info.Mode().Perm()&0o002 != 0:
		err = fmt.Errorf("opening the plugin: everybody may write to %s", path)
	default:
		err = checkSum(f, path, sum)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkSum(f *os.File, path, sum string) error {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("reading the plugin: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(got, sum) {
		return fmt.Errorf("checking the plugin: %s has the sha256 %s, not %s", path, got, sum)
	}
	return nil
}
