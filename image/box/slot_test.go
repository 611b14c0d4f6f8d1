package box_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/evenkeel/evenkeel/image/box"
	"github.com/evenkeel/evenkeel/image/disk"
)

func TestImageFallsBackFromASlotThatIsDamaged(t *testing.T) {
	for _, c := range []struct {
		where  string
		damage func(t *testing.T, disk string)
		tries  string // of slot A
		says   []string
		then   []string // when slot B is up
	}{
		{"at its beginning", func(t *testing.T, path string) { damage(t, path, disk.SlotA, 0, 4096) }, "3",
			[]string{`slot A, tries left: A 2, B 3`, `slot A is damaged`, `slot B, tries left: A 2, B 2`},
			[]string{`its slot is good`, `slot A holds version \S+ now, as slot B does \(the slot is empty or damaged`}},
		{"in its kernel", func(t *testing.T, path string) { damage(t, path, disk.SlotA, kernelAt(t)+1<<20, 4096) }, "3",
			[]string{`slot A, tries left: A 2, B 3`, `slot A is damaged`, `slot B, tries left: A 2, B 2`}, nil},
		// The programs come last. dm-verity sees it when they are read.
		{"in its programs", damagePrograms, "1",
			[]string{`slot A, tries left: A 0, B 3`, `verity: .* is corrupted`, `slot B, tries left: A 0, B 2`}, nil},
	} {
		t.Run(c.where, func(t *testing.T) {
			t.Parallel()
			path := newLoggingDisk(t)
			fillB(t, path)
			setCounter(t, path, "order=AB", "left_A="+c.tries, "left_B=3")
			c.damage(t, path)
			s := boot(t, box.Options{Disk: path})
			for _, pattern := range c.says {
				s.says(pattern)
			}
			up := s.says(`evenkeel \S+, slot B, kernel`)
			measured.add("slot A damaged "+c.where, "slot B is up after %.1f s", up.After.Seconds())
			for _, pattern := range c.then {
				s.says(pattern)
			}
		})
	}
}

// kernelAt returns where in the slot the kernel's code is: some way behind its header (Documentation/x86/boot.rst).
func kernelAt(t *testing.T) int64 {
	t.Helper()
	data, err := os.ReadFile(slot(t))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("HdrS"))
	if at < 0 {
		t.Fatal("the slot has no kernel that is not compressed again")
	}
	return int64(at)
}

func damagePrograms(t *testing.T, path string) {
	t.Helper()
	st, err := os.Stat(slot(t))
	if err != nil {
		t.Fatal(err)
	}
	for at := st.Size() * 75 / 100; at < st.Size()*95/100; at += 64 << 10 {
		damage(t, path, disk.SlotA, at, 8)
	}
}

func TestImageThatRunsWellGetsItsTriesAgain(t *testing.T) {
	t.Parallel()
	path := newLoggingDisk(t)
	s := boot(t, box.Options{Disk: path, Volumes: []string{cidata(t, configuration)}})
	s.says(`slot A, tries left: A 2, B 0`)
	s.says(`its slot is good`)
	s.CutPower()
	if got, want := counter(t, path), "order=AB left_A=3 left_B=0"; got != want {
		t.Errorf("the counter says %q, want %q", got, want)
	}
}
