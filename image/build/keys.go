package build

import (
	"fmt"
	"os"
	"path/filepath"
)

// keysDir is where a box looks for the keys that updates must be signed by.
const keysDir = "etc/evenkeel-keys"

// keys puts the public keys into the root, and says whose updates the image takes.
func (b *builder) keys(root folder) (string, error) {
	if b.Keys == "" {
		return "no key: it takes no updates", root.Dir(keysDir)
	}
	paths, err := filepath.Glob(filepath.Join(b.Keys, "*.pub"))
	if err != nil {
		return "", err
	}
	if len(paths) == 0 {
		return "", fmt.Errorf("%s has no public key, a file that ends with .pub", b.Keys)
	}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			return "", err
		}
		if err := root.File(keysDir+"/"+filepath.Base(p), 0o644, text); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("takes updates that are signed with one of %d keys", len(paths)), nil
}
