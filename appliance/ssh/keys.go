package ssh

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/crypto/ssh"
)

// An authorized key is a line of the file of keys.
type authorized struct {
	comment string // "" if there is none
	from    string // addresses and networks with commas between them, from which the key is good; "": everywhere
}

// A keyring has the keys of a file, and says once what is wrong with it.
type keyring struct {
	mu   sync.Mutex
	text []byte
	keys map[string]authorized // by the key's wire format
	said string
}

// read returns the keys in a file's text. A line that can't be used, or not as it was meant, is refused and said.
func (k *keyring) read(log hclog.Logger, path string, text []byte) map[string]authorized {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil && bytes.Equal(text, k.text) {
		return k.keys
	}
	k.text, k.keys = text, map[string]authorized{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, a, err := parseKey(line)
		if err != nil {
			log.Error("a line with a key is not used", "line", fmt.Sprintf("%s:%d", path, n), "error", err)
			continue
		}
		k.keys[string(key.Marshal())] = a
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

// harmless are options that take away what nobody has here.
var harmless = []string{"no-agent-forwarding", "no-port-forwarding", "no-user-rc", "no-x11-forwarding"}

// parseKey reads a line as sshd(8) describes it.
func parseKey(line string) (ssh.PublicKey, authorized, error) {
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, authorized{}, errors.New("this is no public key")
	}
	a := authorized{comment: printable(comment)}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch name = strings.ToLower(name); {
		case slices.Contains(harmless, name):
		case name == "from":
			if a.from, err = networks(strings.Trim(value, `"`)); err != nil {
				return nil, a, err
			}
		default:
			return nil, a, fmt.Errorf("the option %q is not known here", name)
		}
	}
	switch k := key.(type) {
	case *ssh.Certificate:
		return nil, a, errors.New("certificates are not known here: write the key")
	case ssh.CryptoPublicKey:
		if r, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
			return nil, a, fmt.Errorf("an RSA key of %d bits is too short: 2048 are needed", r.N.BitLen())
		}
	}
	if key.Type() == "ssh-dss" {
		return nil, a, errors.New("DSA keys are not safe: make one with ssh-keygen -t ed25519")
	}
	return key, a, nil
}

// networks checks the value of from=. Names and patterns are no addresses.
func networks(list string) (string, error) {
	for p := range strings.SplitSeq(list, ",") {
		_, err := netip.ParsePrefix(p)
		if _, single := netip.ParseAddr(p); err != nil && single != nil {
			return "", fmt.Errorf("from: %q is no address and no network, as in \"192.0.2.7\" or \"192.0.2.0/24\"", p)
		}
	}
	return list, nil
}

// printable is a text of others for logs and lists, without what is no letter in any of them, and not endless.
func printable(text string) string {
	r := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(text, "?")))
	return string(r[:min(len(r), 200)])
}
