package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/slot"
)

// whole is a slot of nine blocks with their hashes.
func whole(version string) []byte {
	const blocks, block = 9, 4096
	b := system(version)[:blocks*block]
	binary.LittleEndian.PutUint64(b[40:], uint64(len(b)))
	salt := bytes.Repeat([]byte{7}, 32)
	hash := func(b []byte) []byte { s := sha256.Sum256(append(bytes.Clone(salt), b...)); return s[:] }
	tree := make([]byte, 0, block)
	for at := 0; at < len(b); at += block {
		tree = append(tree, hash(b[at:at+block])...)
	}
	tree = tree[:block]
	note := make([]byte, 2*block)
	copy(note, fmt.Sprintf("evenkeel-verity 1 %x %x\n", hash(tree), salt))
	return append(append(b, note...), tree...)
}

func wholeDisk() *fakeDisk {
	d := newDisk(whole("1.0"))
	d.counter.Left[B] = 0 // as an image has it
	return d
}

func spare(t *testing.T, d *fakeDisk) *Spare { return &Spare{Installer: *installer(t, d, A)} }

func (d *fakeDisk) isWhole(s Slot, version string) bool {
	_, err := slot.Check(bytes.NewReader(d.slots[s]), new(bytes.Buffer))
	return err == nil && bytes.HasPrefix(d.slots[s], whole(version))
}

func TestASlotThatCannotTakeOverBecomesACopyOfTheRunningOne(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(d *fakeDisk)
		why   string
	}{
		"it is empty": {func(*fakeDisk) {}, "the slot is empty or damaged: it does not begin with a squashfs"},
		"it is damaged": {func(d *fakeDisk) {
			d.counter.Left[B] = Tries
			copy(d.slots[B], whole("0.9"))
			d.slots[B][20000] ^= 1
		}, "the slot is damaged: its data do not have the hash that it says"},
		"it did not come up": {func(d *fakeDisk) { copy(d.slots[B], whole("2.0")) }, "it was not to be started"},
	} {
		t.Run(name, func(t *testing.T) {
			d := wholeDisk()
			c.spoil(d)
			s := spare(t, d)
			did, err := s.Look(t.Context())
			if want := "slot B holds version 1.0 now, as slot A does (" + c.why + ")"; did != want || err != nil {
				t.Errorf("said %q, %v, want %q", did, err, want)
			}
			if !d.isWhole(B, "1.0") || d.counter.First != A || d.counter.Left[B] != Tries {
				t.Errorf("slot B is not ready: %+v", d.counter)
			}
			if held, err := s.Installer.Book.Slots(); held[B].Version != "1.0" || held[B].Damage != "" || err != nil {
				t.Errorf("noted %+v, %v", held, err)
			}
			copy(d.slots[A], make([]byte, 4096))
			if got := d.boot(starts); got != B {
				t.Errorf("with slot A damaged, slot %q starts", got)
			}
		})
	}
}

func TestASlotThatCanTakeOverIsLeftAlone(t *testing.T) {
	d := wholeDisk()
	copy(d.slots[B], whole("0.9"))
	d.counter.Left[B] = 2
	s := spare(t, d)
	if did, err := s.Look(t.Context()); did != "" || err != nil || d.done != 0 {
		t.Errorf("said %q, %v, after %d operations", did, err, d.done)
	}
	if held, err := s.Installer.Book.Slots(); !held[B].Checked.Equal(noon) || err != nil {
		t.Errorf("noted %+v, %v", held, err)
	}
}

func TestSlotsBelongToAnUpdateUntilItIsGood(t *testing.T) {
	d := wholeDisk()
	s := spare(t, d)
	if err := s.Installer.Book.setPending(&Pending{Version: "2.0", Slot: B}); err != nil {
		t.Fatal(err)
	}
	if did, err := s.Look(t.Context()); did != "" || err != nil || d.done != 0 {
		t.Errorf("said %q, %v, after %d operations", did, err, d.done)
	}
}

func TestADamagedSystemIsNotCopied(t *testing.T) {
	d := wholeDisk()
	d.slots[A][20000] ^= 1
	s := spare(t, d)
	did, err := s.Look(t.Context())
	if did != "" || !errors.Is(err, slot.ErrDamaged) || !strings.HasPrefix(err.Error(), "slot A, which runs, can't be copied to slot B: ") || d.done != 0 {
		t.Errorf("said %q, %v, after %d operations", did, err, d.done)
	}
	if held, err := s.Installer.Book.Slots(); held[B].Damage == "" || err != nil {
		t.Errorf("noted %+v, %v", held, err)
	}
}

func TestAPowerCutWhileASlotIsCopiedLeavesOneThatStarts(t *testing.T) {
	full := wholeDisk()
	if _, err := spare(t, full).Look(t.Context()); err != nil || full.done < 6 {
		t.Fatalf("a copy is %d operations, %v", full.done, err)
	}
	for n := range full.done {
		for seed := range uint64(4) {
			d := wholeDisk()
			copy(d.slots[B], whole("0.9"))
			d.slots[B][20000] ^= 1
			d.counter.Left[B] = Tries
			d.left = n
			s := spare(t, d)
			if _, err := s.Look(t.Context()); !errors.Is(err, errPower) {
				t.Fatalf("%d of %d: %v", n, full.done, err)
			}
			d.cut(rand.New(rand.NewPCG(seed, 0)))
			if got := d.boot(starts); got != A || !d.isWhole(A, "1.0") {
				t.Fatalf("%d of %d/%d: slot %q starts", n, full.done, seed, got)
			}
			if _, err := s.Look(t.Context()); err != nil || !d.isWhole(B, "1.0") {
				t.Fatalf("%d of %d/%d: after it slot B is not mended: %v", n, full.done, seed, err)
			}
		}
	}
}

func TestACopyEndsWithTheBox(t *testing.T) {
	d := wholeDisk()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if did, err := spare(t, d).Look(ctx); did != "" || !errors.Is(err, context.Canceled) || d.done != 0 {
		t.Errorf("said %q, %v", did, err)
	}
}
