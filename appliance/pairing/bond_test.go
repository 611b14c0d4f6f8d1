package pairing

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// speak has two sides shake hands, and says what each thinks of it.
func speak(t *testing.T, asking, answering *tls.Config) (asks, answers error) {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	ended := make(chan error, 1)
	go func() {
		defer there.Close()
		ended <- tls.Server(there, answering).Handshake()
	}()
	c := tls.Client(here, asking)
	asks = c.Handshake()
	if asks == nil { // in TLS 1.3 the client is done before the server has looked at its certificate
		_, asks = c.Read(make([]byte, 1))
		if asks != nil && asks.Error() == "EOF" {
			asks = nil
		}
	}
	return asks, <-ended
}

func TestOnlyTheTwoOfAPairTrustEachOtherByTheirBond(t *testing.T) {
	dir := t.TempDir()
	settings := func(b Bond) (asking, answering *tls.Config) {
		t.Helper()
		// As it comes back from the disk.
		path := filepath.Join(dir, "pair")
		text, err := b.Encode()
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadBond(path)
		if diff := cmp.Diff(b.Secret, got.Secret); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
		asking, err1 := got.Asking()
		answering, err2 := got.Answering()
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return asking, answering
	}
	ours, other := Bond{Secret: NewSecret(), Peer: loopback}, Bond{Secret: NewSecret(), Peer: loopback}
	asking, answering := settings(ours)
	strange, stranger := settings(other)
	if asks, answers := speak(t, asking, answering); asks != nil || answers != nil {
		t.Errorf("the two of a pair: %v, %v", asks, answers)
	}
	if _, answers := speak(t, strange, answering); answers == nil {
		t.Error("a stranger that asks is answered")
	}
	if asks, _ := speak(t, asking, stranger); asks == nil {
		t.Error("a stranger that answers is believed")
	}
	if _, answers := speak(t, answering, answering); answers == nil {
		t.Error("who answers can be who asks")
	}
}

func TestWhatIsNoBondIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pair")
	if _, err := ReadBond(path); !errors.Is(err, ErrNoBond) {
		t.Errorf("none: %v", err)
	}
	for _, text := range []string{"", "{}", `{"secret":"AAAA","peer":"192.0.2.1"}`, `{"secret":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := ReadBond(path); err == nil || errors.Is(err, ErrNoBond) {
			t.Errorf("%q is %+v, %v", text, b, err)
		}
	}
}
