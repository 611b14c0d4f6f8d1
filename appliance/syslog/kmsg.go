package syslog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Kernel reads the kernel's log (Documentation/ABI/testing/dev-kmsg) from its beginning, and calls f with each message, until
// ctx ends.
func Kernel(ctx context.Context, f func(Message)) error {
	file, err := os.OpenFile("/dev/kmsg", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("opening the kernel's log: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { file.Close() })
	defer func() {
		if stop() {
			file.Close()
		}
	}()
	err = records(file, boot(), f)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// boot is when the kernel's clock began to count.
func boot() time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return time.Now()
	}
	return time.Now().Add(-time.Duration(ts.Nano()))
}

// records reads records, one each time. What was overwritten before it was read (EPIPE) is said as a message of its own.
func records(r io.Reader, boot time.Time, f func(Message)) error {
	b := make([]byte, 8192) // CONSOLE_EXT_LOG_MAX of kernel/printk
	for {
		n, err := r.Read(b)
		switch {
		case errors.Is(err, unix.EPIPE):
			f(Message{Time: time.Now(), Facility: 5, Severity: 4, Program: "syslog", Text: "the kernel's log was overwritten before it was read"})
			continue
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("reading the kernel's log: %w", err)
		}
		if m, ok := record(string(b[:n]), boot); ok {
			f(m)
		}
	}
}

// record reads "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT\n KEY=VALUE\n". Of what a program has written, the text begins with
// its name.
func record(s string, boot time.Time) (Message, bool) {
	head, text, ok := strings.Cut(s, ";")
	fields := strings.Split(head, ",")
	if !ok || len(fields) < 3 {
		return Message{}, false
	}
	priority, err1 := strconv.ParseUint(fields[0], 10, 16)
	since, err2 := strconv.ParseInt(fields[2], 10, 64)
	if err1 != nil || err2 != nil {
		return Message{}, false
	}
	text, _, _ = strings.Cut(text, "\n") // what follows are properties of devices
	m := Message{Time: boot.Add(time.Duration(since) * time.Microsecond), Facility: uint8(priority >> 3), Severity: uint8(priority & 7), Program: "kernel", Text: text}
	if m.Facility > 23 {
		m.Facility = 1
	}
	if program, rest, ok := strings.Cut(text, ": "); ok && m.Facility != 0 && !strings.ContainsAny(program, " \t") {
		m.Program, m.Text = program, rest
	}
	return m, true
}
