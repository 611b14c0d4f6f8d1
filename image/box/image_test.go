package box_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/box"
	"github.com/evenkeel/evenkeel/image/disk"
	"github.com/evenkeel/evenkeel/image/tool"
)

// patience is how long a box may take to say something. It fails a test that would otherwise wait for ever, nothing else.
const patience = 4 * time.Minute

// image returns the image that "make test-image" has built.
func image(t *testing.T) string {
	t.Helper()
	img := os.Getenv("EVENKEEL_IMAGE")
	if img == "" {
		t.Skip("EVENKEEL_IMAGE does not name an image to boot: run make test-image")
	}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skipf("no QEMU: %v", err)
	}
	return img
}

// newDisk returns a disk of 1.5 GiB that the image was written to.
func newDisk(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if _, err := (tool.Runner{}).Run(t.Context(), "cp", "--sparse=always", image(t), path); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1536<<20); err != nil {
		t.Fatal(err)
	}
	return path
}

// newLoggingDisk returns a disk whose consoles print the log for as long as the box runs. Those of the image as it is print
// emergencies only once the box is up, so that nothing is written over a person's screen.
func newLoggingDisk(t *testing.T) string {
	t.Helper()
	path := newDisk(t)
	file, esp := filepath.Join(t.TempDir(), "grub.cfg"), path+"@@"+offset(disk.ESP)
	run(t, "mcopy", "-i", esp, "::/grub/grub.cfg", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	logging := strings.ReplaceAll(string(text), "evenkeel.slot=", "evenkeel.console=log evenkeel.slot=")
	if err := os.WriteFile(file, []byte(logging), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "mcopy", "-o", "-i", esp, file, "::/grub/grub.cfg")
	return path
}

// bundle returns the update that comes with the image: the same version, signed with the key of make test-image.
func bundle(t *testing.T) string {
	t.Helper()
	return strings.TrimSuffix(image(t), ".img") + ".slot"
}

// slot returns the file of the slot that comes with the image, which is the last one of the bundle.
func slot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, "tar", "-C", dir, "-xf", bundle(t), "slot")
	return filepath.Join(dir, "slot")
}

// fillB writes a slot into slot B of a disk, and gives it tries.
func fillB(t *testing.T, diskPath string) {
	t.Helper()
	if err := disk.Fill(diskPath, disk.SlotB, slot(t)); err != nil {
		t.Fatal(err)
	}
	setCounter(t, diskPath, "order=AB", "left_A=3", "left_B=3")
}

// damage overwrites some bytes of a slot.
func damage(t *testing.T, diskPath string, number int, at int64, length int) {
	t.Helper()
	f, err := os.OpenFile(diskPath, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("damaged ", length/8)), disk.Offset(number)+at); err != nil {
		t.Fatal(err)
	}
}

// setCounter writes GRUB's counter of a disk, as grub-editenv does.
func setCounter(t *testing.T, diskPath string, variables ...string) {
	t.Helper()
	env := filepath.Join(t.TempDir(), "grubenv")
	run(t, "grub-editenv", env, "create")
	run(t, "grub-editenv", append([]string{env, "set"}, variables...)...)
	run(t, "mcopy", "-o", "-i", diskPath+"@@"+offset(disk.Counter), env, "::/grubenv")
}

// counter reads GRUB's counter of a disk.
func counter(t *testing.T, diskPath string) string {
	t.Helper()
	env := filepath.Join(t.TempDir(), "grubenv")
	run(t, "mcopy", "-o", "-i", diskPath+"@@"+offset(disk.Counter), "::/grubenv", env)
	return strings.Join(strings.Fields(run(t, "grub-editenv", env, "list")), " ")
}

func offset(number int) string { return strconv.FormatInt(disk.Offset(number), 10) }

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := tool.Runner{Env: []string{"MTOOLS_SKIP_CHECK=1"}}.Run(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// cidata returns a disk as NoCloud has it, with a configuration.
func cidata(t *testing.T, configuration string) string {
	t.Helper()
	dir := t.TempDir()
	file, volume := filepath.Join(dir, "evenkeel.hcl"), filepath.Join(dir, "cidata")
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(volume, make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.vfat", "-n", "CIDATA", volume)
	run(t, "mcopy", "-i", volume, file, "::/evenkeel.hcl")
	return volume
}

// A session is a box under test, whose console is read from its beginning to its end.
type session struct {
	*box.Box
	t  *testing.T
	at int // offset of what the console said
}

// boot powers a box on. What its console has said is in the log.
func boot(t *testing.T, o box.Options) *session {
	t.Helper()
	if o.Firmware == "" {
		o.Firmware = box.BIOS
	}
	if o.Memory == 0 {
		o.Memory = 512
	}
	b, err := box.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.CutPower()
		t.Logf("the console:\n%s", b.Console())
	})
	return &session{Box: b, t: t}
}

// says waits for the next line of the console that matches.
func (s *session) says(pattern string) box.Line {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	line, next, err := s.Wait(ctx, s.at, pattern)
	if err != nil {
		s.t.Fatal(err)
	}
	s.at = next
	return line
}
