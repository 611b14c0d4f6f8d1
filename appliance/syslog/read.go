package syslog

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ReadFile calls f with each message that a [File] in a folder has kept, the oldest first. A line that is none is left out, such as
// the half of one before a power cut. Where there is no file there are no messages.
func ReadFile(dir string, f func(Message)) error {
	for _, name := range []string{"log.1", "log"} {
		if err := readLines(filepath.Join(dir, name), f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reading the log: %w", err)
		}
	}
	return nil
}

func readLines(path string, f func(Message)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		if m, ok := parse(lines.Text()); ok {
			f(m)
		}
	}
	return lines.Err()
}

// parse reads what Message.String has written.
func parse(line string) (Message, bool) {
	stamp, rest, ok1 := strings.Cut(line, " ")
	program, text, ok2 := strings.Cut(rest, ": ")
	at, err := time.Parse(time.RFC3339, stamp)
	return Message{Time: at, Program: program, Text: text}, ok1 && ok2 && err == nil
}

// A KernelLog is the kernel's log, read for a person who looks at it.
type KernelLog struct {
	file *os.File
	boot time.Time
}

// OpenKernelLog opens it at its oldest message.
func OpenKernelLog() (*KernelLog, error) {
	file, err := os.OpenFile("/dev/kmsg", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the kernel's log: %w", err)
	}
	return &KernelLog{file, boot()}, nil
}

// Read calls f with each message that was not read yet, and waits for more until a time is over.
func (k *KernelLog) Read(wait time.Duration, f func(Message)) error {
	if err := k.file.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return fmt.Errorf("waiting for the kernel's log: %w", err)
	}
	if err := records(k.file, k.boot, f); !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

// Close ends it.
func (k *KernelLog) Close() error { return k.file.Close() }

// Since is what of the kernel's log came after the last messages of a file, which has the kernel's messages up to some moment.
// Their times can't be compared, since the clock may have been set in between.
func Since(file, kernel []Message) []Message {
	if len(file) == 0 {
		return kernel
	}
	same := func(a, b Message) bool { return a.Program == b.Program && a.Text == b.Text }
	last := file[len(file)-1]
	for i := len(kernel) - 1; i >= 0; i-- {
		if !same(kernel[i], last) {
			continue
		}
		if i == 0 || len(file) == 1 || same(kernel[i-1], file[len(file)-2]) {
			return kernel[i+1:]
		}
	}
	return kernel
}
