package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab/wire"
)

func TestFramesArriveAsSent(t *testing.T) {
	var line bytes.Buffer
	c := wire.New(&line)
	want := wire.Command{Argv: []string{"sh", "-c", "echo \x00"}, Env: []string{"A=b"}, Stdin: true}
	if err := c.Send(wire.Exec, 7, want); err != nil {
		t.Fatal(err)
	}
	f, err := c.Receive()
	if err != nil {
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

func TestLongStreamIsCutAndKeepsEveryByte(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	want := make([]byte, 100_001)
	for i := range want {
		want[i] = byte(i * 7)
	}
	go func() { wire.New(a).Send(wire.Output, 1, want); a.Close() }()
	var got []byte
	frames := 0
	for c := wire.New(b); ; frames++ {
		f, err := c.Receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Body...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived, not the %d sent", len(got), len(want))
	}
	if frames < 2 {
		t.Errorf("the stream came in %d frames: nobody else could have spoken meanwhile", frames)
	}
}

func TestEmptyBodyIsAFrame(t *testing.T) {
	var line bytes.Buffer
	c := wire.New(&line)
	if err := c.Send(wire.CloseStdin, 3, nil); err != nil {
		t.Fatal(err)
	}
	if f, err := c.Receive(); err != nil || f.Kind != wire.CloseStdin || len(f.Body) != 0 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestEveryFlippedByteIsNoticed(t *testing.T) {
	var line bytes.Buffer
	if err := wire.New(&line).Send(wire.Output, 1, []byte("three real servers")); err != nil {
		t.Fatal(err)
	}
	for i := range line.Bytes() {
		bad := bytes.Clone(line.Bytes())
		bad[i] ^= 0x20
		if f, err := wire.New(bytes.NewBuffer(bad)).Receive(); err == nil {
			t.Errorf("byte %d flipped: accepted as %+v", i, f)
		}
	}
}

func TestLostByteIsNoticed(t *testing.T) {
	var line bytes.Buffer
	c := wire.New(&line)
	for range 2 {
		if err := c.Send(wire.Output, 1, []byte("abc")); err != nil {
			t.Fatal(err)
		}
	}
	whole := line.Bytes()
	for i := range len(whole) / 2 {
		bad := append(bytes.Clone(whole[:i]), whole[i+1:]...)
		if _, err := wire.New(bytes.NewBuffer(bad)).Receive(); err == nil {
			t.Errorf("byte %d lost: not noticed", i)
		}
	}
}
