package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab/wire"
)

// line is a line with both of its ends; the host's is read all the time, as a session does.
func line(t *testing.T) (host, guest *wire.Conn, frames <-chan wire.Frame) {
	t.Helper()
	a, b := net.Pipe()
	host, guest = wire.Host(a), wire.Guest(b)
	c := make(chan wire.Frame, 100)
	go func() {
		defer close(c)
		for {
			f, err := host.Receive()
			if err != nil {
				return
			}
			c <- f
		}
	}()
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return host, guest, c
}

func TestFramesArriveAsSent(t *testing.T) {
	host, guest, _ := line(t)
	want := wire.Command{Argv: []string{"sh", "-c", "echo \x00"}, Env: []string{"A=b"}, Stdin: true}
	sent := make(chan error, 1)
	go func() { sent <- host.Send(wire.Exec, 7, want) }()
	f, err := guest.Receive()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	var got wire.Command
	if err := f.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if f.Kind != wire.Exec || f.Process != 7 {
		t.Errorf("got kind %d of process %d, want %d of 7", f.Kind, f.Process, wire.Exec)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the command changed on the way (-want +got):\n%s", d)
	}
}

// stream is bytes that show any loss or exchange.
func stream(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestLongStreamIsCutAndKeepsEveryByte(t *testing.T) {
	want := stream(100_001)
	_, guest, frames := line(t)
	go func() { _ = guest.Send(wire.Output, 1, want) }() // what is missing is seen below
	var got []byte
	n := 0
	for len(got) < len(want) {
		f := <-frames
		got = append(got, f.Body...)
		n++
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived, not the %d sent", len(got), len(want))
	}
	if n < 2 {
		t.Errorf("the stream came in %d frames: nobody else could have spoken meanwhile", n)
	}
}

// A meter sees how much was written to a line that nobody has taken off yet.
type meter struct {
	net.Conn
	written chan int
}

func (m meter) Write(p []byte) (int, error) {
	m.written <- len(p)
	return m.Conn.Write(p)
}

func TestHostNeverFillsTheGuestsTerminalBuffer(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	m := meter{a, make(chan int, 1000)}
	host := wire.Host(m)
	go func() { _ = host.Send(wire.Stdin, 1, stream(20_000)) }() // nobody answers; it ends with the pipe
	got := 0
	b.SetReadDeadline(time.Now().Add(300 * time.Millisecond)) //nolint:errcheck // a pipe has deadlines
	n, err := io.Copy(io.Discard, b)
	for len(m.written) > 0 {
		got += <-m.written
	}
	if int64(got) != n || n == 0 || n >= 4096-128 {
		t.Errorf("%d bytes were sent before the guest said anything (%v), want fewer than a terminal takes", n, err)
	}
}

func TestStreamLongerThanTheWindowArrives(t *testing.T) {
	host, guest, _ := line(t)
	want := stream(50_000)
	go func() { _ = host.Send(wire.Stdin, 1, want) }() // what is missing is seen below
	var got []byte
	for len(got) < len(want) {
		f, err := guest.Receive()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Body...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived, not the %d sent", len(got), len(want))
	}
}

func TestSenderIsToldWhenTheGuestIsGone(t *testing.T) {
	a, b := net.Pipe()
	host := wire.Host(a)
	sent := make(chan error, 1)
	go func() { sent <- host.Send(wire.Stdin, 1, stream(20_000)) }()
	if _, err := io.ReadFull(b, make([]byte, 2048)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, err := host.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("Receive: %v, want the end of the file", err)
	}
	if err := <-sent; err == nil {
		t.Error("Send succeeded though nobody took it")
	}
}

func TestEmptyBodyIsAFrame(t *testing.T) {
	_, guest, frames := line(t)
	if err := guest.Send(wire.Exit, 3, nil); err != nil {
		t.Fatal(err)
	}
	if f := <-frames; f.Kind != wire.Exit || f.Process != 3 || len(f.Body) != 0 {
		t.Errorf("got %+v", f)
	}
}

// recorded is a line that holds what the guest has sent.
func recorded(t *testing.T, texts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, s := range texts {
		if err := wire.Guest(&b).Send(wire.Output, 1, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestEveryFlippedByteIsNoticed(t *testing.T) {
	whole := recorded(t, "three real servers")
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x20
		if f, err := wire.Host(bytes.NewBuffer(bad)).Receive(); err == nil {
			t.Errorf("byte %d flipped: accepted as %+v", i, f)
		}
	}
}

func TestLostByteIsNoticed(t *testing.T) {
	whole := recorded(t, "abc", "abc")
	for i := range len(whole) / 2 {
		bad := append(bytes.Clone(whole[:i]), whole[i+1:]...)
		if _, err := wire.Host(bytes.NewBuffer(bad)).Receive(); err == nil {
			t.Errorf("byte %d lost: not noticed", i)
		}
	}
}
