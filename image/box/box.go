// Package box starts a disk image as a machine, under QEMU without help of the processor: as slow as the machine that
// runs it, and everywhere.
package box

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Firmware is what starts the boot loader.
type Firmware string

// The firmwares: SeaBIOS, and Debian's OVMF without Secure Boot and with it and the keys of Microsoft.
const (
	BIOS       Firmware = "BIOS"
	UEFI       Firmware = "UEFI"
	SecureBoot Firmware = "Secure Boot"
)

// ovmf is where Debian's package ovmf has its files.
const ovmf = "/usr/share/OVMF/"

// Options are what a box is made of.
type Options struct {
	Disk     string // a raw image, which is written to
	Firmware Firmware
	Memory   int      // MiB
	Volumes  []string // raw images of more disks
	Args     []string // for QEMU
}

// A Box is a machine that runs.
type Box struct {
	cmd     *exec.Cmd
	input   io.WriteCloser
	started time.Time
	dir     string // of its files; removed at the end
	done    chan struct{}

	mu    sync.Mutex
	lines []Line
	more  chan struct{} // closed when there is a new line
}

// A Line is one of the serial console, and when it came after power-on.
type Line struct {
	After time.Duration
	Text  string
}

// Start powers a box on.
func Start(o Options) (*Box, error) {
	dir, err := os.MkdirTemp("", "evenkeel-box-")
	if err != nil {
		return nil, err
	}
	args, err := arguments(o, dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	b := &Box{cmd: exec.Command("qemu-system-x86_64", args...), dir: dir, done: make(chan struct{}), more: make(chan struct{})}
	out, w, err := os.Pipe()
	if err == nil {
		b.cmd.Stdout, b.cmd.Stderr = w, w
		b.input, err = b.cmd.StdinPipe()
	}
	if err == nil {
		b.started = time.Now()
		err = b.cmd.Start()
		w.Close()
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start a box: %w", err)
	}
	go b.read(out)
	return b, nil
}

func arguments(o Options, dir string) ([]string, error) {
	machine := "q35,accel=tcg"
	var firmware []string
	if o.Firmware != BIOS {
		code, vars := "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"
		if o.Firmware == SecureBoot {
			code, vars = "OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd"
			machine += ",smm=on"
			firmware = append(firmware, "-global", "driver=cfi.pflash01,property=secure,value=on")
		}
		// What the firmware remembers is this box's own.
		data, err := os.ReadFile(ovmf + vars)
		if err != nil {
			return nil, fmt.Errorf("start a box with %s: %w (Debian's package ovmf has it)", o.Firmware, err)
		}
		own := filepath.Join(dir, "vars")
		if err := os.WriteFile(own, data, 0o600); err != nil {
			return nil, err
		}
		firmware = append(firmware,
			"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+ovmf+code,
			"-drive", "if=pflash,format=raw,unit=1,file="+own)
	}
	args := append([]string{
		"-machine", machine, "-cpu", "max", "-m", strconv.Itoa(o.Memory), "-nodefaults", "-display", "none", "-vga", "std",
		"-serial", "stdio", "-device", "virtio-rng-pci", "-device", "i6300esb",
		"-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net",
	}, firmware...)
	for i, disk := range append([]string{o.Disk}, o.Volumes...) {
		id := "disk" + strconv.Itoa(i)
		args = append(args, "-drive", "if=none,format=raw,cache=unsafe,id="+id+",file="+disk,
			"-device", fmt.Sprintf("virtio-blk-pci,drive=%s,bootindex=%d", id, i+1))
	}
	return append(args, o.Args...), nil
}

// escapes are what GRUB and firmwares paint the screen with.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1f]")

func (b *Box) read(out *os.File) {
	defer close(b.done)
	defer out.Close()
	r := bufio.NewReader(out)
	for {
		text, err := r.ReadString('\n')
		if text = strings.TrimRight(escapes.ReplaceAllString(text, ""), " \r\n"); text != "" {
			b.mu.Lock()
			b.lines = append(b.lines, Line{time.Since(b.started), text})
			close(b.more)
			b.more = make(chan struct{})
			b.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// Wait waits for a line of the console that matches a pattern, from the n-th line on, and returns it and the number of the
// line after it.
func (b *Box) Wait(ctx context.Context, from int, pattern string) (Line, int, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return Line{}, 0, err
	}
	for {
		b.mu.Lock()
		lines, more := b.lines, b.more
		b.mu.Unlock()
		for ; from < len(lines); from++ {
			if re.MatchString(lines[from].Text) {
				return lines[from], from + 1, nil
			}
		}
		select {
		case <-more:
		case <-b.done:
			return Line{}, 0, fmt.Errorf("the box ended, and its console never said %q", pattern)
		case <-ctx.Done():
			return Line{}, 0, fmt.Errorf("the console does not say %q: %w", pattern, context.Cause(ctx))
		}
	}
}

// Console returns all that the console has said, with times.
func (b *Box) Console() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s strings.Builder
	for _, l := range b.lines {
		fmt.Fprintf(&s, "%7.2f %s\n", l.After.Seconds(), l.Text)
	}
	return s.String()
}

// Type sends a text to the console.
func (b *Box) Type(text string) error {
	_, err := io.WriteString(b.input, text)
	return err
}

// CutPower ends the box at once, and waits until it has.
func (b *Box) CutPower() {
	_ = b.cmd.Process.Kill() // it may have ended
	_ = b.cmd.Wait()
	<-b.done
	os.RemoveAll(b.dir)
}

// Done is closed when the box is off.
func (b *Box) Done() <-chan struct{} { return b.done }
