package update

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"aead.dev/minisign"
)

// A Manifest says what an update is. It is what is signed.
type Manifest struct {
	Format       int    `json:"format"` // 1
	Product      string `json:"product"`
	Architecture string `json:"architecture"`
	Version      string `json:"version"`
	Size         int64  `json:"size"`   // of the slot, bytes
	SHA256       string `json:"sha256"` // of the slot
}

// Product is what a manifest's product is.
const Product = "evenkeel"

// The files of a bundle, which is a tar archive with these in this order, so that it can be written to the disk while it
// comes over the network. Without the signature it is a bundle that no box takes.
const (
	manifestFile  = "manifest.json"
	signatureFile = "manifest.json.minisig"
	slotFile      = "slot"
	mostText      = 64 << 10 // bytes of the first two
)

// A Bundle is an update whose manifest is signed by somebody we trust. Slot has not been looked at.
type Bundle struct {
	Manifest Manifest
	Slot     io.Reader
}

// ErrNoKey is of a box whose image was made without a key.
var ErrNoKey = errors.New("this box takes no updates: its image was made without a key to check them with (make update-key)")

var version = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~-]{0,63}$`)

// Open reads the beginning of a bundle. Its manifest is looked at only when one of the keys has signed it.
func Open(r io.Reader, keys []minisign.PublicKey) (*Bundle, error) {
	t := tar.NewReader(r)
	text, err := member(t, manifestFile)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, ErrNoKey
	}
	signature, err := member(t, signatureFile)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(keys, func(k minisign.PublicKey) bool { return minisign.Verify(k, text, signature) }) {
		return nil, errors.New("the update is not signed by a key of this box")
	}
	b := &Bundle{Slot: t}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&b.Manifest); err != nil {
		return nil, fmt.Errorf("reading the update's manifest: %w", err)
	}
	if err := b.Manifest.check(); err != nil {
		return nil, err
	}
	h, err := t.Next()
	if err != nil {
		return nil, cutOff(err)
	}
	if h.Name != slotFile || h.Size != b.Manifest.Size {
		return nil, fmt.Errorf("the update's third file is %q with %d bytes, and should be %q with %d", h.Name, h.Size, slotFile, b.Manifest.Size)
	}
	return b, nil
}

func (m Manifest) check() error {
	switch sum, err := hex.DecodeString(m.SHA256); {
	case m.Format != 1:
		return fmt.Errorf("the update's format is %d, and this version reads 1: update to a version between first", m.Format)
	case m.Product != Product:
		return fmt.Errorf("this is an update of %q, not of %s", m.Product, Product)
	case !version.MatchString(m.Version):
		return fmt.Errorf("the update's version is %q, which is none", m.Version)
	case err != nil || len(sum) != 32 || m.Size < firstBlock:
		return errors.New("the update's manifest does not say what its slot is")
	}
	return nil
}

// member reads the next file of a bundle, which must have a name and be small.
func member(t *tar.Reader, name string) ([]byte, error) {
	h, err := t.Next()
	if err != nil {
		return nil, cutOff(err)
	}
	if name == signatureFile && h.Name == slotFile {
		return nil, errors.New("the update is not signed")
	}
	if h.Name != name || h.Size > mostText {
		return nil, fmt.Errorf("this is no update: it has %q where %q should be", h.Name, name)
	}
	b, err := io.ReadAll(t)
	if err != nil {
		return nil, cutOff(err)
	}
	return b, nil
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the update is cut off")
	}
	return fmt.Errorf("reading the update: %w", err)
}

// Keys reads the minisign public keys in a folder: files that end with .pub.
func Keys(dir string) ([]minisign.PublicKey, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.pub"))
	if err != nil {
		return nil, err
	}
	var keys []minisign.PublicKey
	for _, p := range paths {
		k, err := minisign.PublicKeyFromFile(p)
		if err != nil {
			return nil, fmt.Errorf("reading the key %s: %w", p, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Pack writes a bundle: what "evenkeel update" reads. signature is minisign's over the manifest, as EncodeManifest writes it;
// nil: it is not signed.
func Pack(w io.Writer, manifest, signature []byte, slot io.Reader, size int64) error {
	t := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		size int64
		from io.Reader
	}{
		{manifestFile, int64(len(manifest)), bytes.NewReader(manifest)},
		{signatureFile, int64(len(signature)), bytes.NewReader(signature)},
		{slotFile, size, slot},
	} {
		if f.name == signatureFile && signature == nil {
			continue
		}
		if err := t.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: f.size, Format: tar.FormatUSTAR}); err != nil {
			return fmt.Errorf("packing %s: %w", f.name, err)
		}
		if _, err := io.Copy(t, f.from); err != nil {
			return fmt.Errorf("packing %s: %w", f.name, err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("packing the update: %w", err)
	}
	return nil
}

// EncodeManifest is a manifest as it is signed.
func EncodeManifest(m Manifest) []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // strings and numbers
	}
	return append(b, '\n')
}

// ReadKey reads a secret key of minisign's. password is asked for if the key has one.
func ReadKey(path string, password func() (string, error)) (minisign.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return minisign.PrivateKey{}, fmt.Errorf("reading the secret key: %w", err)
	}
	var k minisign.PrivateKey
	if minisign.IsEncrypted(b) {
		word, err := password()
		if err != nil {
			return k, err
		}
		k, err = minisign.DecryptKey(word, b)
		if err != nil {
			return k, fmt.Errorf("opening the secret key %s: %w", path, err)
		}
		return k, nil
	}
	if err := k.UnmarshalText(b); err != nil {
		return k, fmt.Errorf("reading the secret key %s: %w", path, err)
	}
	return k, nil
}
