package grub_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/disk"
	"github.com/evenkeel/evenkeel/image/grub"
	"github.com/evenkeel/evenkeel/image/tool"
)

// stage stands in for what GRUB's emulator does not have: what loads a kernel and starts it. A start ends the emulator.
const stage = `set root=hd0,gpt2
set check=1
function linux { test -f "$1" ; }
function initrd { echo "started slot $slot" ; reboot ; }
`

// script is grub.cfg in the emulator. It sleeps no time, and remembers the slot for the stage.
func script() string {
	s := strings.ReplaceAll(string(grub.Script("quiet")), "sleep 10", "sleep 0")
	return stage + strings.Replace(s, `set boot=`, "set slot=$1\n  set boot=", 1)
}

// A machine is a disk with two slots, and GRUB's emulator in the place of GRUB.
type machine struct {
	t         *testing.T
	dir, disk string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	if _, err := exec.LookPath("grub-emu"); err != nil {
		t.Skipf("no emulator of GRUB: %v: make packages-image", err)
	}
	m := machine{t, t.TempDir(), filepath.Join(t.TempDir(), "disk")}
	if err := disk.Create(m.disk); err != nil {
		t.Fatal(err)
	}
	m.write("device.map", "(hd0) "+m.disk+"\n")
	m.write("grub.cfg", script())
	root := filepath.Join(m.dir, "root")
	if err := os.MkdirAll(root+"/boot", 0o755); err != nil {
		t.Fatal(err)
	}
	m.write("root/boot/vmlinuz", strings.Repeat("kernel ", 4000))
	m.write("root/boot/initrd.img", strings.Repeat("initramfs ", 4000))
	sums := m.run("sh", "-c", "cd "+root+"/boot && sha256sum vmlinuz initrd.img")
	m.write("root/boot/SHA256SUMS", sums)
	// What is not compressed can be damaged where it lies.
	m.run("mksquashfs", root, m.path("slot"), "-comp", "xz", "-noD", "-noF", "-quiet", "-no-progress", "-noappend", "-all-root")
	m.fill(disk.SlotA, "slot")
	m.fill(disk.SlotB, "slot")
	m.write("counter", string(make([]byte, disk.CounterSize)))
	m.run("mkfs.vfat", "-F12", m.path("counter"))
	return m
}

func (m machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.path(name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) run(name string, args ...string) string {
	m.t.Helper()
	out, err := tool.Runner{Env: []string{"MTOOLS_SKIP_CHECK=1"}}.Run(m.t.Context(), name, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (m machine) fill(number int, name string) {
	m.t.Helper()
	if err := disk.Fill(m.disk, number, m.path(name)); err != nil {
		m.t.Fatal(err)
	}
}

// count writes the counter, a text of lines; "" leaves the file system without the file.
func (m machine) count(variables string) {
	m.t.Helper()
	if variables != "" {
		block, err := grub.Counter(m.t.Context(), m.dir, strings.Fields(variables)...)
		if err != nil {
			m.t.Fatal(err)
		}
		m.write("grubenv", string(block))
		m.run("mcopy", "-o", "-i", m.path("counter"), m.path("grubenv"), "::/grubenv")
	}
	m.fill(disk.Counter, "counter")
}

// counter reads what GRUB has written.
func (m machine) counter() string {
	m.t.Helper()
	at := strconv.FormatInt(disk.Offset(disk.Counter), 10)
	m.run("mcopy", "-o", "-i", m.disk+"@@"+at, "::/grubenv", m.path("read"))
	return strings.Join(strings.Fields(m.run("grub-editenv", m.path("read"), "list")), " ")
}

// find returns where a text first is in a slot.
func (m machine) find(text string) int64 {
	m.t.Helper()
	b, err := os.ReadFile(m.path("slot"))
	if err != nil {
		m.t.Fatal(err)
	}
	at := bytes.Index(b, []byte(text))
	if at < 0 {
		m.t.Fatalf("the slot does not have %q as it is", text)
	}
	return int64(at)
}

// damage overwrites some bytes of a slot.
func (m machine) damage(number int, at int64) {
	m.t.Helper()
	f, err := os.OpenFile(m.disk, os.O_WRONLY, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damaged"), disk.Offset(number)+at); err != nil {
		m.t.Fatal(err)
	}
}

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]|\r")
	telling = regexp.MustCompile(`(?m)^ *(started slot .*|slot . is damaged|slot . cannot be loaded|no slot can be loaded.*)$`)
)

// boot starts the machine once, and returns what happened.
func (m machine) boot() string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "grub-emu", "-d", m.dir, "-m", m.path("device.map"), "-r", "host")
	c.Env = append(os.Environ(), "TERM=dumb")
	c.Stdin = strings.NewReader(strings.Repeat("x", 100)) // it waits 10 s for any key when it can't start an entry
	out, err := c.CombinedOutput()
	text := escapes.ReplaceAllString(string(out), "")
	if err != nil {
		m.t.Fatalf("the emulator: %v, %v\n%s", err, ctx.Err(), text)
	}
	m.t.Log(text)
	return strings.Join(telling.FindAllString(text, -1), ", ")
}

// What a slot's counter and its state lead to, at one start.
func TestImageScriptStartsTheSlotThatIsWantedAndWhole(t *testing.T) {
	kernel := func(number int) func(machine) {
		return func(m machine) { m.damage(number, m.find("kernel kernel")) }
	}
	beginning := func(number int) func(machine) { return func(m machine) { m.damage(number, 0) } }
	const aIsBad, bIsBad = "slot A is damaged", "slot B is damaged"
	for name, c := range map[string]struct {
		counter string
		damage  []func(machine)
		says    string
		after   string
	}{
		"A is wanted":                {"order=AB left_A=3 left_B=3", nil, "started slot A", "order=AB left_A=2 left_B=3"},
		"B is wanted":                {"order=BA left_A=3 left_B=3", nil, "started slot B", "order=BA left_A=3 left_B=2"},
		"the last try":               {"order=BA left_A=3 left_B=1", nil, "started slot B", "order=BA left_A=3 left_B=0"},
		"A has no try left":          {"order=AB left_A=0 left_B=3", nil, "started slot B", "order=AB left_A=0 left_B=2"},
		"B has no try left":          {"order=BA left_A=3 left_B=0", nil, "started slot A", "order=BA left_A=2 left_B=0"},
		"none has a try left":        {"order=BA left_A=0 left_B=0", nil, "started slot B", "order=BA left_A=3 left_B=2"},
		"A's kernel is damaged":      {"order=AB left_A=3 left_B=3", []func(machine){kernel(disk.SlotA)}, aIsBad + ", started slot B", "order=AB left_A=2 left_B=2"},
		"B's kernel is damaged":      {"order=BA left_A=3 left_B=3", []func(machine){kernel(disk.SlotB)}, bIsBad + ", started slot A", "order=BA left_A=2 left_B=2"},
		"A is no file system":        {"order=AB left_A=3 left_B=3", []func(machine){beginning(disk.SlotA)}, aIsBad + ", started slot B", "order=AB left_A=2 left_B=2"},
		"A is damaged, B has no try": {"order=AB left_A=3 left_B=0", []func(machine){beginning(disk.SlotA)}, aIsBad + ", started slot B", "order=AB left_A=2 left_B=0"},
		"both are damaged": {"order=AB left_A=3 left_B=3", []func(machine){kernel(disk.SlotA), beginning(disk.SlotB)},
			aIsBad + ", " + bIsBad + ", no slot can be loaded: starting again in 10 s", "order=AB left_A=2 left_B=2"},
		"the counter says nonsense": {"order=CD left_A=-1 left_B=17", nil, "started slot A", "order=AB left_A=2 left_B=3"},
		"the counter says nothing":  {"other=kept", nil, "started slot A", "left_A=2 left_B=3 order=AB other=kept"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.count(c.counter)
			for _, d := range c.damage {
				d(m)
			}
			if got := m.boot(); got != c.says {
				t.Errorf("said %q, want %q", got, c.says)
			}
			if got := m.counter(); sorted(got) != sorted(c.after) {
				t.Errorf("the counter is %q, want %q", got, c.after)
			}
		})
	}
}

func sorted(text string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.Fields(text))), " ")
}

// A counter that can't be read, or not be written, keeps no box from starting.
func TestImageScriptNeedsNoCounter(t *testing.T) {
	for name, damage := range map[string]func(machine){
		"there is no file":      func(machine) {},
		"there is no partition": func(m machine) { m.write("counter", strings.Repeat("garbage ", 1<<17)) },
		"the file is no counter": func(m machine) {
			m.write("grubenv", strings.Repeat("garbage ", 128))
			m.run("mcopy", "-i", m.path("counter"), m.path("grubenv"), "::/grubenv")
		},
		"the file is empty": func(m machine) {
			m.write("grubenv", "")
			m.run("mcopy", "-i", m.path("counter"), m.path("grubenv"), "::/grubenv")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			damage(m)
			m.count("")
			m.damage(disk.SlotA, m.find("kernel kernel"))
			if got, want := m.boot(), "slot A is damaged, started slot B"; got != want {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}

// An update that does not come up: three tries, then the old slot, and three more of that.
func TestImageScriptCountsTries(t *testing.T) {
	m := newMachine(t)
	m.count("order=BA left_A=3 left_B=3")
	for i, want := range strings.Fields("B B B A A A B") {
		if got := m.boot(); got != "started slot "+want {
			t.Errorf("boot %d: said %q, want slot %s", i+1, got, want)
		}
	}
}

// Debian's signed GRUB can't check hashes: a kernel that it can't load leads to the other slot all the same.
func TestImageScriptGoesOnFromAKernelThatCannotBeLoaded(t *testing.T) {
	m := newMachine(t)
	m.write("grub.cfg", strings.Replace(script(), "set check=1", "", 1))
	m.count("order=AB left_A=3 left_B=3")
	m.damage(disk.SlotA, 0)
	if got, want := m.boot(), "slot A cannot be loaded, started slot B"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}
