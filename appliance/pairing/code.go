// Package pairing hands the part of a configuration that both directors of a pair share from the first to the second, over the
// network between them, with nothing but a short code that a person carries from one console to the other.
//
// # What it is made of
//
// The code is 75 random bits. From it both sides derive, by HKDF-SHA-256 (RFC 5869) with different labels, two Ed25519 keys:
// one is the first director's, the other the second's. They speak TLS 1.3 with certificates for these keys, and each side
// takes no certificate but that of the other's key (mutual TLS with pinned keys). So only who knows the code can be either
// side; nothing depends on certificate authorities, names or clocks, which a new box does not have right.
//
// # What an attacker can do
//
// Who only listens sees TLS 1.3: the certificates are encrypted, too. Who connects to the first director, or pretends to be it,
// sees one certificate, made of the code, and may try all codes against it at home: 2^75 HKDF and Ed25519 operations. The code
// is good for minutes, and once; found later, it opens nothing, since what was sent is encrypted with keys that are agreed anew
// and forgotten (forward secrecy), and nobody listens any more. Who connects again and again without the code makes the
// first give up after a number of tries, and say so: a new code has to be made. Who can read the console, or the memory of
// either box, has everything anyway.
package pairing

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// symbols are Crockford's: digits and letters without I, L, O and U, each five bits.
const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeLength is how many symbols a code has, the last of which checks the others.
const codeLength = 16

// A Code is what a person carries from the first director to the second.
type Code struct {
	Address netip.Addr // of the first director
	secret  string     // symbols
}

// NewCode makes a code for the first director at an address.
func NewCode(first netip.Addr) Code {
	random := make([]byte, codeLength-1)
	rand.Read(random) // never fails (crypto/rand)
	for i, b := range random {
		random[i] = symbols[b%32]
	}
	return Code{Address: first, secret: string(random) + string(check(string(random)))}
}

// String is the code as it is shown, "192.0.2.11/ABCD-EFGH-JKMN-PQRS".
func (c Code) String() string {
	return fmt.Sprintf("%s/%s-%s-%s-%s", c.Address, c.secret[:4], c.secret[4:8], c.secret[8:12], c.secret[12:])
}

// ParseCode reads a code as a person writes it: in small letters or capitals, with or without hyphens, with O for 0 and I or L for
// 1. The error says what to look at.
func ParseCode(s string) (Code, error) {
	host, secret, found := strings.Cut(strings.TrimSpace(s), "/")
	a, err := netip.ParseAddr(strings.TrimSpace(host))
	if err != nil || !found {
		return Code{}, errors.New("a code begins with the address of the first director and a slash, as in \"192.0.2.11/ABCD-EFGH-JKMN-PQRS\": write all of it")
	}
	secret = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(secret))
	if i := strings.IndexFunc(secret, func(r rune) bool { return !strings.ContainsRune(symbols, r) }); i >= 0 {
		return Code{}, fmt.Errorf("the character %+q is in no code: compare it with the other console", []rune(secret[i:])[0])
	}
	if len(secret) != codeLength {
		return Code{}, fmt.Errorf("after the slash a code has %d letters and digits, and here are %d: compare it with the other console", codeLength, len(secret))
	}
	if secret[codeLength-1] != check(secret[:codeLength-1]) {
		return Code{}, errors.New("a letter or digit of the code is wrong: compare it with the other console")
	}
	return Code{Address: a, secret: secret}, nil
}

// check is the symbol that finds a wrong symbol, or two that changed places.
func check(secret string) byte {
	sum := 0
	for i, c := range secret {
		sum += (i + 1) * strings.IndexRune(symbols, c)
	}
	return symbols[sum%31]
}
