package update

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func installer(t *testing.T, d *fakeDisk, running Slot) *Installer {
	return &Installer{Disk: d, Running: running, Book: book(t), Version: "1.0", Arch: "amd64", Now: func() time.Time { return noon }}
}

// book is in memory where it can be: hundreds of tests wait for the disk otherwise.
func book(t *testing.T) Book {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "evenkeel-book")
	if err != nil {
		return Book{t.TempDir()}
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return Book{dir}
}

// starts says whether a slot starts at all: the boot loader looks at its beginning only.
func starts(b []byte) bool { return bytes.HasPrefix(b, []byte("hsqs")) }

// holds says whether a slot holds a whole system.
func holds(b []byte, version string) bool { return bytes.HasPrefix(b, system(version)) }

func TestAnUpdateIsTriedAndThenGood(t *testing.T) {
	s, d := newSigner(t), newDisk(system("1.0"))
	i := installer(t, d, A)
	if err := i.Install(t.Context(), s.open(t, s.pack(t, "2.0", nil)), false); err != nil {
		t.Fatal(err)
	}
	want := Counter{First: B, Left: map[Slot]int{A: Tries, B: Tries}, Trial: B}
	if diff := cmp.Diff(want, d.counter); diff != "" || !holds(d.slots[B], "2.0") || !holds(d.slots[A], "1.0") {
		t.Fatalf("the counter (-want +got):\n%s", diff)
	}
	if got := d.boot(starts); got != B {
		t.Fatalf("slot %s starts", got)
	}
	if o, err := Started(d, B, i.Book, noon); err != nil || o != (Outcome{"on trial", "2.0"}) {
		t.Errorf("at the start: %+v, %v", o, err)
	}
	again := installer(t, d, B)
	again.Book = i.Book
	if err := again.Install(t.Context(), s.open(t, s.pack(t, "3.0", nil)), false); err == nil || !strings.Contains(err.Error(), "has to prove itself") {
		t.Errorf("another update while it is on trial: %v", err)
	}
	if err := Good(d, B, i.Book); err != nil {
		t.Fatal(err)
	}
	if p, err := i.Book.Pending(); p != nil || err != nil || d.counter.Left[B] != Tries || d.counter.First != B || d.counter.Trial != "" {
		t.Errorf("when it is good: %+v, %v, %+v", p, err, d.counter)
	}
	if o, err := Started(d, B, i.Book, noon); err != nil || o != (Outcome{}) {
		t.Errorf("at the next start: %+v, %v", o, err)
	}
}

func TestAnUpdateThatDoesNotComeUpIsUndoneAndRemembered(t *testing.T) {
	for name, breaks := range map[string]func(d *fakeDisk){
		"it crashes":             func(*fakeDisk) {},
		"it can't be loaded":     func(d *fakeDisk) { copy(d.slots[B], make([]byte, 4)) },
		"with a cut of the note": func(d *fakeDisk) { d.left = 6 },
	} {
		t.Run(name, func(t *testing.T) {
			s, d := newSigner(t), newDisk(system("1.0"))
			i := installer(t, d, A)
			if err := i.Install(t.Context(), s.open(t, s.pack(t, "2.0", nil)), false); err != nil {
				t.Fatal(err)
			}
			breaks(d)
			d.left = -1
			boots := 0
			for ; d.boot(starts) == B; boots++ {
			}
			if boots > Tries || boots == 0 && name == "it crashes" {
				t.Errorf("it was tried %d times", boots)
			}
			o, err := Started(d, A, i.Book, noon.Add(time.Minute))
			if err != nil || o != (Outcome{"failed", "2.0"}) {
				t.Errorf("at the start of the former: %+v, %v", o, err)
			}
			if err := Good(d, A, i.Book); err != nil {
				t.Fatal(err)
			}
			if got := d.boot(starts); got != A || d.counter.First != A {
				t.Errorf("the next start is slot %s's, %+v", got, d.counter)
			}
			bundle := s.pack(t, "2.0", nil)
			if err := i.Install(t.Context(), s.open(t, bundle), false); err == nil || !strings.Contains(err.Error(), "did not come up; --force") {
				t.Errorf("the same again: %v", err)
			}
			if err := i.Install(t.Context(), s.open(t, bundle), true); err != nil {
				t.Errorf("the same by force: %v", err)
			}
			if d.boot(starts) != B || Good(d, B, i.Book) != nil {
				t.Error("by force it is not tried")
			}
			if failed, err := i.Book.Failed(); len(failed) != 0 || err != nil {
				t.Errorf("it came up after all, and is remembered: %v, %v", failed, err)
			}
		})
	}
}

// The table of power cuts: after any number of operations, what starts is a whole system, the old one until the counter is
// armed and the new one from then on; and the update can be done again.
func TestAPowerCutAtAnyStepLeavesAWholeSystem(t *testing.T) {
	s := newSigner(t)
	bundle := s.pack(t, "2.0", nil)
	whole := newDisk(system("1.0"))
	if err := installer(t, whole, A).Install(t.Context(), s.open(t, bundle), false); err != nil {
		t.Fatal(err)
	}
	if whole.done < 8 {
		t.Fatalf("an update is %d operations of the disk", whole.done)
	}
	for n := range whole.done + 1 {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%d of %d/%d", n, whole.done, seed), func(t *testing.T) {
				d := newDisk(system("1.0"))
				copy(d.slots[B], system("0.9")) // what the slot held before
				d.left = n
				i := installer(t, d, A)
				err := i.Install(t.Context(), s.open(t, bundle), false)
				if (n < whole.done) != errors.Is(err, errPower) {
					t.Fatalf("Install: %v", err)
				}
				d.cut(rand.New(rand.NewPCG(seed, 0)))
				running := d.boot(starts)
				switch {
				case n < whole.done && (running != A || !holds(d.slots[A], "1.0")):
					t.Fatalf("slot %s starts, %+v", running, d.counter)
				case n == whole.done && (running != B || !holds(d.slots[B], "2.0")):
					t.Fatalf("armed, slot %s starts", running)
				case n == whole.done:
					return
				}
				if o, err := Started(d, A, i.Book, noon); err != nil || o.Kind == "failed" {
					t.Errorf("at the start: %+v, %v", o, err)
				}
				if err := i.Install(t.Context(), s.open(t, bundle), false); err != nil {
					t.Fatalf("again: %v", err)
				}
				if d.boot(starts) != B || !holds(d.slots[B], "2.0") {
					t.Error("again, and it is not what starts")
				}
			})
		}
	}
}

// A restart that is waiting is not called off when the running system proves itself meanwhile.
func TestAnUpdateInTheFirstMinuteIsTriedEvenSo(t *testing.T) {
	s, d := newSigner(t), newDisk(system("1.0"))
	i := installer(t, d, A)
	if err := i.Install(t.Context(), s.open(t, s.pack(t, "2.0", nil)), false); err != nil {
		t.Fatal(err)
	}
	if err := Good(d, A, i.Book); err != nil {
		t.Fatal(err)
	}
	if got := d.boot(starts); got != B {
		t.Errorf("slot %s starts", got)
	}
}

func TestOnlyWhatIsSignedAndWholeIsTaken(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	good := s.pack(t, "2.0", nil)
	flip := func(text string) []byte {
		b := bytes.Clone(good)
		b[bytes.Index(b, []byte(text))] ^= 1
		return b
	}
	for name, c := range map[string]struct {
		bundle []byte
		want   string
	}{
		"another's signature":         {other.pack(t, "2.0", nil), "the update is not signed by a key of this box"},
		"a changed manifest":          {flip("amd64"), "the update is not signed by a key of this box"},
		"no bundle at all":            {system("2.0"), "reading the update: archive/tar: invalid tar header"},
		"nothing":                     {nil, "the update is cut off"},
		"another product":             {s.pack(t, "2.0", func(m *Manifest) { m.Product = "oddkeel" }), `this is an update of "oddkeel", not of evenkeel`},
		"another architecture":        {s.pack(t, "2.0", func(m *Manifest) { m.Architecture = "arm64" }), "the update is for arm64, and this box is amd64"},
		"a format of the future":      {s.pack(t, "2.0", func(m *Manifest) { m.Format = 2 }), "the update's format is 2, and this version reads 1: update to a version between first"},
		"a version that is a path":    {s.pack(t, "../2.0", nil), `the update's version is "../2.0", which is none`},
		"a slot of another size":      {s.pack(t, "2.0", func(m *Manifest) { m.Size++ }), `the update's third file is "slot" with 40960 bytes, and should be "slot" with 40961`},
		"a slot that is too large":    {s.pack(t, "2.0", func(m *Manifest) { m.SHA256 = "" }), "the update's manifest does not say what its slot is"},
		"another slot than was meant": {flip("hsqs2.0"), "the update is damaged: its sum is not the one that is signed"},
		"a slot that is cut off":      {good[:30<<10], "the update is cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(system("1.0"))
			b, err := Open(bytes.NewReader(c.bundle), []minisign.PublicKey{other2(t), s.public})
			if err == nil {
				err = installer(t, d, A).Install(t.Context(), b, false)
			}
			if err == nil || err.Error() != c.want {
				t.Errorf("said %v, want %s", err, c.want)
			}
			if got := d.boot(starts); got != A {
				t.Errorf("slot %s starts", got)
			}
		})
	}
}

// other2 is one more key of the box, which has not signed.
func other2(t *testing.T) minisign.PublicKey { return newSigner(t).public }

func TestAnUpdateThatDoesNotFitIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	s, d := newSigner(t), newDisk(system("1.0"))
	d.slots[B] = make([]byte, 8<<10)
	err := installer(t, d, A).Install(t.Context(), s.open(t, s.pack(t, "2.0", nil)), false)
	if err == nil || err.Error() != "the update has 40960 bytes, and slot B has room for 8192" || d.done != 0 {
		t.Errorf("%v after %d operations", err, d.done)
	}
}

func TestADiskThatLosesWhatWasWrittenIsFoundOut(t *testing.T) {
	s, d := newSigner(t), newDisk(system("1.0"))
	i := installer(t, d, A)
	i.Progress = func(what string, done, all int64) {
		if what == "written" && done == all {
			d.unsaved = nil
		}
	}
	if err := i.Install(t.Context(), s.open(t, s.pack(t, "2.0", nil)), false); err == nil || !strings.Contains(err.Error(), "the disk is damaged") {
		t.Errorf("said %v", err)
	}
	if got := d.boot(starts); got != A {
		t.Errorf("slot %s starts", got)
	}
}

func TestAnUpdateCanBeStopped(t *testing.T) {
	s, d := newSigner(t), newDisk(system("1.0"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := installer(t, d, A).Install(ctx, s.open(t, s.pack(t, "2.0", nil)), false); !errors.Is(err, context.Canceled) {
		t.Errorf("said %v", err)
	}
	if got := d.boot(starts); got != A {
		t.Errorf("slot %s starts", got)
	}
}

func TestTheBookBearsHalfANote(t *testing.T) {
	b := book(t)
	for _, name := range []string{"pending.json", "failed.json"} {
		if err := os.WriteFile(filepath.Join(b.Dir, name), []byte(`{"ver`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := b.Pending(); p != nil || err != nil {
		t.Errorf("pending: %+v, %v", p, err)
	}
	if fs, err := b.Failed(); len(fs) != 0 || err != nil {
		t.Errorf("failed: %+v, %v", fs, err)
	}
	for i := range mostFailures + 5 {
		if err := b.addFailure(Failure{Version: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if fs, err := b.Failed(); len(fs) != mostFailures || fs[0].Version != "5" || err != nil {
		t.Errorf("%d are remembered, the first is %+v, %v", len(fs), fs[0], err)
	}
}

// What minisign of Debian signs is taken, as a release is made.
func TestSignaturesOfMinisignsOwnProgramAreTaken(t *testing.T) {
	program, err := exec.LookPath("minisign")
	if err != nil {
		t.Skip("minisign is not installed: make packages-test")
	}
	dir := t.TempDir()
	s := newSigner(t)
	manifest := filepath.Join(dir, "manifest.json")
	text := EncodeManifest(s.open(t, s.pack(t, "2.0", nil)).Manifest)
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-G", "-W", "-p", dir + "/box.pub", "-s", dir + "/box.key"}, {"-S", "-s", dir + "/box.key", "-m", manifest}} {
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Fatalf("minisign %v: %v\n%s", args, err, out)
		}
	}
	signature, err := os.ReadFile(manifest + ".minisig")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := Keys(dir)
	if err != nil || len(keys) != 1 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	var b bytes.Buffer
	slot := system("2.0")
	if err := Pack(&b, text, signature, bytes.NewReader(slot), int64(len(slot))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(&b, keys); err != nil {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	s := newSigner(f)
	f.Add(s.pack(f, "2.0", nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := Open(bytes.NewReader(b), []minisign.PublicKey{s.public}); err == nil {
			text, _ := json.Marshal(got.Manifest)
			if got.Manifest.check() != nil {
				t.Errorf("%s is taken", text)
			}
		}
	})
}
