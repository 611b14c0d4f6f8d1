package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/evenkeel/evenkeel/appliance/update"
)

// newKey writes a pair of keys, and returns the secret one's path.
func newKey(t *testing.T) string {
	t.Helper()
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := private.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	text, err := public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "update.key")
	for name, b := range map[string][]byte{path: secret, strings.TrimSuffix(path, ".key") + ".pub": text} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func makeBundle(t *testing.T, s signer, slot []byte) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "slot"), filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(in, slot, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.bundle("2.0", in, out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestABundleIsWhatABoxWithTheKeyTakes(t *testing.T) {
	slot := bytes.Repeat([]byte("slot"), 5000)
	path := newKey(t)
	s, err := newSigner(path, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	b := makeBundle(t, s, slot)
	if !bytes.Equal(b, makeBundle(t, s, slot)) {
		t.Error("the same slot and key make other bytes the second time")
	}
	keys, err := update.Keys(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	got, err := update.Open(bytes.NewReader(b), keys)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := io.ReadAll(got.Slot)
	if err != nil || !bytes.Equal(inside, slot) || got.Manifest.Version != "2.0" {
		t.Errorf("%+v with %d bytes, %v", got.Manifest, len(inside), err)
	}
	if _, err := update.Open(bytes.NewReader(makeBundle(t, signer{}, slot)), keys); err == nil || err.Error() != "the update is not signed" {
		t.Errorf("without a key: %v", err)
	}
	if _, err := update.Open(bytes.NewReader(b), nil); err == nil || !strings.HasPrefix(err.Error(), "this box takes no updates: ") {
		t.Errorf("on a box without a key: %v", err)
	}
}

func TestAKeyThatTheImageWouldNotTakeIsRefused(t *testing.T) {
	path, other := newKey(t), newKey(t)
	for _, c := range []struct{ sign, keys, want string }{
		{path, "", "without --keys"},
		{path, filepath.Dir(other), "does not have the public key of " + path},
		{path + "x", filepath.Dir(path), "reading the secret key: "},
		{filepath.Join(filepath.Dir(path), "update.pub"), filepath.Dir(path), "reading the secret key "},
		{locked(t), filepath.Dir(path), "has a password: put it into the environment as UPDATE_KEY_PASSWORD"},
	} {
		if _, err := newSigner(c.sign, c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: said %v", c, err)
		}
	}
}

// locked returns a key with a password, as far as can be seen without one: its key derivation is scrypt's. A real one takes a
// gigabyte of memory and seconds.
func locked(t *testing.T) string {
	t.Helper()
	path := newKey(t)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	comment, encoded, _ := strings.Cut(string(b), "\n")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	copy(key[2:], "Sc")
	if err := os.WriteFile(path, []byte(comment+"\n"+base64.StdEncoding.EncodeToString(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
