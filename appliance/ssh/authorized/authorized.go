// Package authorized reads the public keys of who may log in to a box: lines of a file authorized_keys as sshd(8) describes
// them.
package authorized

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"
)

// A Key is a line of such a file.
type Key struct {
	ssh.PublicKey
	Comment string // "" if there is none
	From    string // addresses and networks with commas between them, from which the key is good; "": everywhere
}

// String is the key as a person compares it: kind, fingerprint, comment.
func (k Key) String() string {
	return strings.TrimSpace(k.Type() + " " + ssh.FingerprintSHA256(k) + " " + k.Comment)
}

// harmless are options that take away what nobody has here.
var harmless = []string{"no-agent-forwarding", "no-port-forwarding", "no-user-rc", "no-x11-forwarding"}

// Parse reads a line. One that can't be used, or not as it was meant, is an error that says what to write.
func Parse(line string) (Key, error) {
	if strings.Contains(line, "PRIVATE KEY") {
		return Key{}, errors.New("this is a private key, which nobody else should see: write the line of the file that ends with .pub")
	}
	key, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(rest) > 0 || strings.ContainsAny(strings.TrimSpace(line), "\r\n") {
		return Key{}, errors.New("this is no public key: write the whole line of a file such as id_ed25519.pub, \"ssh-ed25519 AAAA... name\"")
	}
	k := Key{PublicKey: key, Comment: Printable(comment)}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch name = strings.ToLower(name); {
		case slices.Contains(harmless, name):
		case name == "from":
			if k.From, err = networks(strings.Trim(value, `"`)); err != nil {
				return Key{}, err
			}
		default:
			return Key{}, fmt.Errorf("the option %q is not known here", name)
		}
	}
	switch key := key.(type) {
	case *ssh.Certificate:
		return Key{}, errors.New("certificates are not known here: write the key")
	case ssh.CryptoPublicKey:
		if r, ok := key.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
			return Key{}, fmt.Errorf("an RSA key of %d bits is too short: 2048 are needed", r.N.BitLen())
		}
	}
	if key.Type() == "ssh-dss" {
		return Key{}, errors.New("DSA keys are not safe: make one with ssh-keygen -t ed25519")
	}
	return k, nil
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

// Printable is a text of others for logs and lists, without what is no letter in any of them, and not endless.
func Printable(text string) string {
	r := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(text, "?")))
	return string(r[:min(len(r), 200)])
}
