// Package power hears the power button of a machine, or of a hypervisor that asks its guest to switch itself off: the kernel
// has it as a keyboard with the key KEY_POWER (drivers/acpi/button.c; Documentation/input/event-codes.rst).
package power

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Of include/uapi/linux/input-event-codes.h.
const (
	eventKey = 1   // EV_KEY
	keyPower = 116 // KEY_POWER
	pressed  = 1
)

// search is how often buttons are looked for that have turned up.
const search = 5 * time.Second

// A Watch is over all buttons of a machine, those of keyboards too.
type Watch struct {
	Sys, Dev string // usually /sys and /dev
	Pressed  func()

	mu   sync.Mutex
	open map[string]bool // names of devices that are read
}

// Run calls Pressed each time that a button is pressed, until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	w.open = map[string]bool{}
	t := time.NewTicker(search)
	defer t.Stop()
	for {
		devices, _ := filepath.Glob(filepath.Join(w.Sys, "class/input/event*")) // the pattern is a good one
		for _, d := range devices {
			keys, err := os.ReadFile(filepath.Join(d, "device/capabilities/key"))
			if err == nil && hasKey(string(keys), keyPower) {
				w.read(ctx, filepath.Base(d))
			}
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// read reads a device in the background, until it is gone or ctx ends. One that is read already is left alone.
func (w *Watch) read(ctx context.Context, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open[name] {
		return
	}
	f, err := os.Open(filepath.Join(w.Dev, "input", name))
	if err != nil {
		return // looked for again
	}
	w.open[name] = true
	stop := context.AfterFunc(ctx, func() { f.Close() })
	go func() {
		presses(f, w.Pressed)
		stop()
		f.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.open, name)
	}()
}

// presses reads events, struct input_event of include/uapi/linux/input.h: a time of two words, type, code and value.
func presses(r io.Reader, press func()) {
	const times = 16
	event := make([]byte, times+8)
	for {
		if _, err := io.ReadFull(r, event); err != nil {
			return
		}
		kind := binary.NativeEndian.Uint16(event[times:])
		code := binary.NativeEndian.Uint16(event[times+2:])
		value := binary.NativeEndian.Uint32(event[times+4:])
		if kind == eventKey && code == keyPower && value == pressed {
			press()
		}
	}
}

// hasKey says whether a bitmap of sysfs has a bit: words of 64 bits in hexadecimal, the highest first
// (drivers/input/input.c, input_print_bitmap).
func hasKey(bitmap string, key int) bool {
	words := strings.Fields(bitmap)
	i := len(words) - 1 - key/64
	if i < 0 {
		return false
	}
	word, err := strconv.ParseUint(words[i], 16, 64)
	return err == nil && word>>(key%64)&1 == 1
}
