package pairing

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
)

// A Bond is what stays of a pairing: a secret that the two directors have made, and nobody else knows. By it they trust each
// other later, as they did by the code: TLS with pinned keys that are derived of it.
type Bond struct {
	Secret []byte     `json:"secret"`
	Peer   netip.Addr `json:"peer"` // address of the other director, as it was at the pairing
	Name   string     `json:"name"` // of the other director
}

// secretSize is in bytes.
const secretSize = 32

// The sides, as HKDF's info.
const (
	askingSide    = "evenkeel pair 1: who asks"
	answeringSide = "evenkeel pair 1: who answers"
)

// ErrNoBond is of a director that was never paired.
var ErrNoBond = errors.New("this director is not paired with another one: see evenkeel pair")

// NewSecret makes the secret of a bond.
func NewSecret() []byte {
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails (crypto/rand)
	return secret
}

// Asking returns the settings of the director that connects to the other one.
func (b Bond) Asking() (*tls.Config, error) {
	return pinned(string(b.Secret), askingSide, answeringSide)
}

// Answering returns the settings of the one that is connected to.
func (b Bond) Answering() (*tls.Config, error) {
	return pinned(string(b.Secret), answeringSide, askingSide)
}

// ReadBond reads a bond that was kept. ErrNoBond: there is none.
func ReadBond(path string) (Bond, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Bond{}, ErrNoBond
	}
	var b Bond
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err == nil && (len(b.Secret) != secretSize || !b.Peer.IsValid()) {
		err = errors.New("it is not whole: pair the directors again")
	}
	if err != nil {
		return Bond{}, fmt.Errorf("reading what ties this director to the other one: %w", err)
	}
	return b, nil
}

// Encode is a bond as ReadBond reads it. It is for nobody else's eyes.
func (b Bond) Encode() ([]byte, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("writing what ties this director to the other one: %w", err)
	}
	return append(text, '\n'), nil
}
