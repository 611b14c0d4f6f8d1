package ssh

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/appliance/ssh/authorized"
)

// A keyring has the keys of a file, and says once what is wrong with it.
type keyring struct {
	mu   sync.Mutex
	text []byte
	keys map[string]authorized.Key // by the key's wire format
	said string
}

// read returns the keys in a file's text. A line that can't be used, or not as it was meant, is refused and said.
func (k *keyring) read(log hclog.Logger, path string, text []byte) map[string]authorized.Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil && bytes.Equal(text, k.text) {
		return k.keys
	}
	k.text, k.keys = text, map[string]authorized.Key{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := authorized.Parse(line)
		if err != nil {
			log.Error("a line with a key is not used", "line", fmt.Sprintf("%s:%d", path, n), "error", err)
			continue
		}
		k.keys[string(key.Marshal())] = key
	}
	return k.keys
}

// complain says an error once.
func (k *keyring) complain(log hclog.Logger, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.said != err.Error() {
		k.said = err.Error()
		log.Error("reading the keys that may log in", "error", err)
	}
}
