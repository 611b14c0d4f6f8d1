package pairing

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// an offer that waits on the loopback.
type waiting struct {
	Offer
	address string
	done    chan struct{}
	second  Second
	err     error
}

func offer(t *testing.T, shared []byte, life time.Duration) *waiting {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &waiting{Offer: Offer{Director: "lb1", Shared: shared, Code: NewCode(loopback), Lifetime: life}, address: l.Addr().String(), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(w.done)
		w.second, w.err = w.Serve(ctx, l)
	}()
	t.Cleanup(func() { cancel(); <-w.done })
	return w
}

// dial connects to the offer's port, whatever the code says.
func (w *waiting) dial(ctx context.Context, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", w.address)
}

func TestTheSecondDirectorGetsTheSharedPartWithTheCode(t *testing.T) {
	shared := bytes.Repeat([]byte("virtual_server \"web\" {}\n"), 40000)
	w := offer(t, shared, 0)
	code, err := ParseCode(strings.ToLower(w.Code.String())) // as it was carried to the other console
	if err != nil {
		t.Fatal(err)
	}
	var got Shared
	if err := Fetch(t.Context(), code, "lb2", func(s Shared) error { got = s; return nil }, w.dial); err != nil {
		t.Fatal(err)
	}
	if got.Director != "lb1" || !bytes.Equal(got.Text, shared) {
		t.Errorf("got %d bytes from %q", len(got.Text), got.Director)
	}
	<-w.done
	if w.err != nil || w.second.Name != "lb2" || w.second.Address != loopback {
		t.Errorf("the first knows %v, %v", w.second, w.err)
	}
	if err := Fetch(t.Context(), code, "lb3", func(Shared) error { return nil }, w.dial); err == nil {
		t.Error("the code was good twice")
	}
}

func TestWhatCouldNotBeKeptDoesNotUseTheCodeUp(t *testing.T) {
	w := offer(t, []byte("x"), 0)
	full := errors.New("no space left on device")
	if err := Fetch(t.Context(), w.Code, "lb2", func(Shared) error { return full }, w.dial); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := Fetch(t.Context(), w.Code, "lb2", func(Shared) error { return nil }, w.dial); err != nil {
		t.Error(err)
	}
}

func TestWhoHasAnotherCodeGetsNothing(t *testing.T) {
	w := offer(t, []byte("secret"), 0)
	err := Fetch(t.Context(), NewCode(loopback), "mallory", func(Shared) error { t.Error("got it"); return nil }, w.dial)
	if err == nil || !strings.Contains(err.Error(), "another code") {
		t.Errorf("got %v", err)
	}
	if err := Fetch(t.Context(), w.Code, "lb2", func(Shared) error { return nil }, w.dial); err != nil {
		t.Errorf("the right one after that: %v", err)
	}
}

func TestTheSecondDirectorTakesNothingFromWhoDoesNotKnowTheCode(t *testing.T) {
	w := offer(t, []byte("evil"), 0)
	code := NewCode(loopback) // of another first director, whose address somebody has taken
	if err := Fetch(t.Context(), code, "lb2", func(Shared) error { t.Error("took it"); return nil }, w.dial); err == nil {
		t.Error("no error")
	}
}

func TestNeitherTheOwnKeyNorNoneNorPlainTextOpensTheOffer(t *testing.T) {
	w := offer(t, []byte("secret"), 0)
	own, err := w.Code.tls(firstSide, firstSide) // the first director's own side, sent back to it
	if err != nil {
		t.Fatal(err)
	}
	own.VerifyConnection = nil
	for name, conf := range map[string]*tls.Config{
		"the first director's key": own,
		"no certificate":           {InsecureSkipVerify: true},
		"TLS 1.2":                  {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, Certificates: own.Certificates},
	} {
		raw, err := w.dial(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(raw, conf)
		_, _ = io.WriteString(conn, `{"version":1,"director":"mallory"}`+"\n") // the refusal comes with what is read
		if b, err := io.ReadAll(conn); err == nil || len(b) > 0 {
			t.Errorf("with %s: got %q, %v", name, b, err)
		}
		conn.Close()
	}
	raw, err := w.dial(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, _ = io.WriteString(raw, "GET / HTTP/1.0\r\n\r\n")
	if b, _ := io.ReadAll(raw); bytes.Contains(b, []byte("secret")) {
		t.Errorf("plain text: got %q", b)
	}
}

func TestACodeIsGoodForItsTimeOnly(t *testing.T) {
	w := offer(t, []byte("x"), 20*time.Millisecond)
	<-w.done
	if !errors.Is(w.err, ErrExpired) {
		t.Errorf("got %v", w.err)
	}
}

func TestWhoTriesAgainAndAgainWithoutTheCodeEndsIt(t *testing.T) {
	w := offer(t, []byte("x"), 0)
	for range tries {
		if err := Fetch(t.Context(), NewCode(loopback), "mallory", func(Shared) error { return nil }, w.dial); err == nil {
			t.Fatal("a wrong code was taken")
		}
	}
	<-w.done
	if !errors.Is(w.err, ErrTries) {
		t.Errorf("got %v", w.err)
	}
}

func TestWhoSaysNothingDoesNotKeepOthersAway(t *testing.T) {
	w := offer(t, []byte("x"), 0)
	for range atOnce - 1 {
		conn, err := w.dial(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if err := Fetch(t.Context(), w.Code, "lb2", func(Shared) error { return nil }, w.dial); err != nil {
		t.Error(err)
	}
}
