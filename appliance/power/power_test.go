package power

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// event is one as the kernel of a 64-bit machine says it.
func event(kind, code uint16, value uint32) []byte {
	b := make([]byte, 16, 24)
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, code)
	return binary.NativeEndian.AppendUint32(b, value)
}

// button adds a device to a machine, and returns what presses it.
func button(t *testing.T, machine, name, keys string) *os.File {
	t.Helper()
	dir := filepath.Join(machine, "class/input", name, "device/capabilities")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(keys+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(machine, "input", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestOnlyThePressOfAPowerButtonIsHeard(t *testing.T) {
	machine := t.TempDir()
	keyboard := button(t, machine, "event0", "e080ffdf01cfffff fffffffffffffffe") // without that key
	power := button(t, machine, "event1", "10000000000000 0")
	heard := make(chan struct{}, 100)
	w := &Watch{Sys: machine, Dev: machine, Pressed: func() { heard <- struct{}{} }}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	write := func(f *os.File, events ...[]byte) {
		t.Helper()
		for _, e := range events {
			if _, err := f.Write(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	const synchronized, other = 0, 30
	write(keyboard, event(eventKey, keyPower, 1)) // nobody listens
	write(power, event(eventKey, other, 1), event(eventKey, keyPower, 1), event(synchronized, 0, 0), event(eventKey, keyPower, 0), event(eventKey, keyPower, 2))
	write(power, event(eventKey, keyPower, 1))
	for range 2 {
		select {
		case <-heard:
		case <-time.After(10 * time.Second):
			t.Fatal("a press was not heard")
		}
	}
	cancel()
	<-done
	if len(heard) != 0 {
		t.Errorf("%d presses that were none", len(heard))
	}
}

func TestBitmapOfKeys(t *testing.T) {
	for bitmap, want := range map[string]bool{
		"10000000000000 0": true, // ACPI's power button
		"402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe": true, // a keyboard with the key
		"4000 0 0":       false, // the sleep button
		"10000000000000": false, // bit 52
		"":               false,
		"0 x 0 0":        false,
	} {
		if got := hasKey(bitmap, keyPower); got != want {
			t.Errorf("%q: got %v", bitmap, got)
		}
	}
}
