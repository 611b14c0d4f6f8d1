package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"aead.dev/minisign"

	"github.com/evenkeel/evenkeel/appliance/update"
)

// passwordVariable has the password of the secret key, if it has one.
const passwordVariable = "UPDATE_KEY_PASSWORD"

// A signer signs updates; one without a key leaves them unsigned.
type signer struct{ key *minisign.PrivateKey }

// newSigner reads the secret key. The image that is made has to take what it signs.
func newSigner(path, keys string) (signer, error) {
	if path == "" {
		return signer{}, nil
	}
	key, err := update.ReadKey(path, func() (string, error) {
		if p, ok := os.LookupEnv(passwordVariable); ok {
			return p, nil
		}
		return "", fmt.Errorf("the secret key %s has a password: put it into the environment as %s", path, passwordVariable)
	})
	if err != nil {
		return signer{}, err
	}
	if keys == "" {
		return signer{}, errors.New("--sign without --keys: the image would not take the update that is signed")
	}
	public, err := update.Keys(keys)
	if err != nil {
		return signer{}, err
	}
	own := key.Public().(minisign.PublicKey)
	if !slices.ContainsFunc(public, func(k minisign.PublicKey) bool { return k.Equal(own) }) {
		return signer{}, fmt.Errorf("%s does not have the public key of %s (%016X): the image would not take the update that is signed", keys, path, own.ID())
	}
	return signer{&key}, nil
}

// bundle makes of a slot what "evenkeel update" takes. The same slot and key make the same bytes.
func (s signer) bundle(version, slot, out string) error {
	in, err := os.Open(slot)
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, in)
	if err != nil {
		return err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	manifest := update.EncodeManifest(update.Manifest{
		Format: 1, Product: update.Product, Architecture: "amd64", Version: version, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)),
	})
	var signature []byte
	if s.key != nil {
		// minisign's own comment has the time of the signature.
		signature = minisign.SignWithComments(*s.key, manifest, update.Product+" "+version, "signature of "+update.Product+" "+version)
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	return errors.Join(update.Pack(f, manifest, signature, in, size), f.Close())
}
