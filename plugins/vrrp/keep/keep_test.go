package keep

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

var vi1 = Key{Interface: "eth0", ID: 51}

func must(t *testing.T, dir, boot string) *File {
	t.Helper()
	f, err := open(dir, boot)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestASuccessorKnowsWhoWasMasterAndUntilWhen(t *testing.T) {
	dir := t.TempDir()
	f := must(t, dir, "this boot")
	f.Slot(vi1).Advert(7*time.Second, 12)
	f.Slot(Key{Interface: "eth0", ID: 51, IPv6: true}).Advert(8*time.Second, 0)
	f.Slot(Key{Interface: "eth1", ID: 51}).Advert(9*time.Second, 3)
	f.Slot(Key{Interface: "eth1", ID: 51}).Resign()
	f.Slot(vi1).Advert(10*time.Second, 13)
	f.Close()

	f = must(t, dir, "this boot")
	defer f.Close()
	for k, want := range map[Key]Entry{
		vi1:                                     {10 * time.Second, 13},
		{Interface: "eth0", ID: 51, IPv6: true}: {8 * time.Second, 0},
		{Interface: "eth1", ID: 51}:             {0, 3},
	} {
		if e, ok := f.Before(k); !ok || e != want {
			t.Errorf("of %v the successor knows %+v, %v; want %+v", k, e, ok, want)
		}
	}
	if e, ok := f.Before(vi1); ok {
		t.Errorf("what was taken up is known again: %+v", e)
	}
	if e, ok := f.Before(Key{Interface: "eth2", ID: 51}); ok {
		t.Errorf("a stranger is known: %+v", e)
	}
}

func TestNothingIsKnownOfAnotherBoot(t *testing.T) {
	dir := t.TempDir()
	f := must(t, dir, "the last boot")
	f.Slot(vi1).Advert(time.Second, 1)
	f.Close()
	f = must(t, dir, "this boot")
	defer f.Close()
	if e, ok := f.Before(vi1); ok {
		t.Errorf("the successor knows %+v", e)
	}
}

func TestAFileOfSomethingElseIsBegunAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "masters"), make([]byte, 3*size), 0o600); err != nil {
		t.Fatal(err)
	}
	f := must(t, dir, "this boot")
	f.Slot(vi1).Advert(time.Second, 1)
	f.Close()
	f = must(t, dir, "this boot")
	defer f.Close()
	if _, ok := f.Before(vi1); !ok {
		t.Error("it was not begun anew")
	}
}

func TestTheFileBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	f := must(t, dir, "this boot")
	if _, err := open(dir, "this boot"); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	f.Close()
	f = must(t, dir, "this boot")
	f.Close()
}

func TestWhatIsRemovedIsNotFound(t *testing.T) {
	dir := t.TempDir()
	f := must(t, dir, "this boot")
	f.Slot(vi1).Advert(time.Second, 1)
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the folder has %v, %v", left, err)
	}
	f.Close()
	f = must(t, dir, "this boot")
	defer f.Close()
	if _, ok := f.Before(vi1); ok {
		t.Error("it is found")
	}
}

func TestWithoutRoomNothingIsStored(t *testing.T) {
	f := must(t, t.TempDir(), "this boot")
	defer f.Close()
	for i := range slots {
		if f.Slot(Key{Interface: string(rune('a' + i/256)), ID: uint8(i)}) == nil {
			t.Fatalf("no slot for virtual router %d", i)
		}
	}
	s := f.Slot(vi1)
	if s != nil {
		t.Fatal("there is a slot too many")
	}
	s.Advert(1, 1) // harmless
	s.Resign()
	var none *File
	none.Slot(vi1).Advert(1, 1)
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}

func TestStoringAllocatesNothing(t *testing.T) {
	f := must(t, t.TempDir(), "this boot")
	defer f.Close()
	s := f.Slot(vi1)
	if n := testing.AllocsPerRun(100, func() { s.Advert(1, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSlotsOfVirtualRoutersThatAreGoneAreUsedAgain(t *testing.T) {
	f := must(t, t.TempDir(), "this boot")
	defer f.Close()
	stays := Key{Interface: "stays", ID: 1}
	gone := f.Slot(Key{Interface: "first", ID: 1})
	f.Slot(stays).Advert(time.Second, 7)
	gone.Free()
	for n := range 3 * slots {
		s := f.Slot(Key{Interface: "eth" + strconv.Itoa(n), ID: 1})
		if s == nil {
			t.Fatalf("after %d there is no slot", n)
		}
		if s.s.sequence.Load() != 0 || s.s.until.Load() != 0 {
			t.Fatal("a slot begins with another's times")
		}
		s.Advert(time.Second, 1)
		s.Free()
	}
	if s := f.Slot(stays); s.s.sequence.Load() != 7 {
		t.Error("one that has a slot got another, because one before it is free")
	}
}

func TestTheLastOfAllTimesIsKnown(t *testing.T) {
	dir := t.TempDir()
	f := must(t, dir, "this boot")
	f.Slot(vi1).Advert(7*time.Second, 12)
	f.Slot(Key{Interface: "eth1", ID: 51}).Advert(9*time.Second, 3)
	if at := f.Until(); at != 0 {
		t.Errorf("until %v, which is its own", at)
	}
	f.Close()
	f = must(t, dir, "this boot")
	defer f.Close()
	if at := f.Until(); at != 9*time.Second {
		t.Errorf("until %v, want 9s", at)
	}
	var none *File
	if at := none.Until(); at != 0 {
		t.Errorf("until %v without a file", at)
	}
}
