package boot_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/appliance/boot"
	"github.com/evenkeel/evenkeel/appliance/slot"
)

func TestStepThatIsNotNeededIsRememberedAndOneThatIsEndsAll(t *testing.T) {
	var log bytes.Buffer
	var ran []string
	step := func(name string, err error, needed bool) boot.Step {
		return boot.Step{Name: name, Needed: needed, Run: func() error { ran = append(ran, name); return err }}
	}
	broken := errors.New("no such device")
	s := boot.Sequence{Log: &boot.Log{W: &log, Name: "init"}}
	err := s.Run([]boot.Step{
		step("mount the data partition", broken, false),
		step("set the clock", nil, true),
		step("find the disk", broken, true),
		step("mount the slot", nil, true),
	})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "find the disk: ") {
		t.Errorf("got %v, want the error of the step that was needed", err)
	}
	if got := strings.Join(ran, ", "); got != "mount the data partition, set the clock, find the disk" {
		t.Errorf("ran %s", got)
	}
	if len(s.Problems) != 1 || s.Problems[0].What != "mount the data partition: no such device" {
		t.Errorf("problems: %v", s.Problems)
	}
	if !strings.Contains(log.String(), "<11>init: mount the data partition: no such device\n") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestLinesOfAProcessGoIntoTheKernelsLog(t *testing.T) {
	var log bytes.Buffer
	l := &boot.Log{W: &log, Name: "evenkeel"}
	if _, err := l.Write([]byte("100% ready\r\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := log.String(), "<12>evenkeel: 100% ready\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBootLoaderSaysSlotAndPartition(t *testing.T) {
	s, err := boot.ParseCommandLine("BOOT_IMAGE=(hd0,gpt4)/boot/vmlinuz evenkeel.slot=B evenkeel.partition=0a-1b panic=5\n")
	if err != nil || s != (boot.Start{Slot: slot.B, Partition: "0a-1b"}) {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, line := range []string{"", "evenkeel.slot=A", "evenkeel.partition=0a-1b", "evenkeel.slot=C evenkeel.partition=0a-1b"} {
		if _, err := boot.ParseCommandLine(line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

func TestCrashRecordsAreMovedAndTheNewestKept(t *testing.T) {
	pstore, into := t.TempDir(), t.TempDir()
	write := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		write(into, fmt.Sprintf("20250101T0000%02dZ-dmesg-efi-1", i), "old")
	}
	write(pstore, "dmesg-efi-1", "Kernel panic")
	write(pstore, "dmesg-efi-2", "more")
	n, err := boot.CollectCrashes(pstore, into, time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	if err != nil || n != 2 {
		t.Errorf("got %d, %v, want 2", n, err)
	}
	if left, err := os.ReadDir(pstore); err != nil || len(left) != 0 {
		t.Errorf("%d records are where the kernel has little room, %v", len(left), err)
	}
	text, err := os.ReadFile(filepath.Join(into, "20261121T090000Z-dmesg-efi-1"))
	if err != nil || string(text) != "Kernel panic" {
		t.Errorf("got %q, %v", text, err)
	}
	kept, err := os.ReadDir(into)
	if err != nil || len(kept) != 20 || kept[0].Name() != "20250101T000012Z-dmesg-efi-1" {
		t.Errorf("kept %d from %s on, %v, want the newest 20", len(kept), kept[0].Name(), err)
	}
}
