package ssh

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"github.com/evenkeel/evenkeel/appliance/console"
)

// HostKey returns the key that a box shows to be itself, Ed25519 (RFC 8709), in OpenSSH's format, which only root may read. If
// there is none it makes one. One that is damaged is an error: who connects should not have to wonder about another key.
func HostKey(path string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newHostKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the host key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("reading the host key: %s is damaged (%w); remove it, and another one is made", path, err)
	}
	return signer, nil
}

func newHostKey(path string) (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("making a host key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, fmt.Errorf("making a host key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making a host key: %w", err)
	}
	if err := console.WriteFile(path, pem.EncodeToMemory(block)); err != nil {
		return nil, fmt.Errorf("making a host key: %w", err)
	}
	return ssh.NewSignerFromKey(private)
}

// Fingerprint is how a person compares a host key, as ssh(1) shows it: "SHA256:" and 43 characters.
func Fingerprint(k ssh.Signer) string { return ssh.FingerprintSHA256(k.PublicKey()) }
