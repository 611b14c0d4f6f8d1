package update

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"

	"aead.dev/minisign"
)

var errPower = errors.New("the power is off")

// A fakeDisk is a box's disk, whose power goes off after some writes. What was written and not synchronized is lost then, or
// is there in part.
type fakeDisk struct {
	slots   map[Slot][]byte
	counter Counter
	unsaved []func(whole bool)
	left    int // operations until the power goes off; negative: it stays on
	done    int
}

func newDisk(running []byte) *fakeDisk {
	d := &fakeDisk{slots: map[Slot][]byte{A: make([]byte, 64<<10), B: make([]byte, 64<<10)}, left: -1}
	copy(d.slots[A], running)
	d.counter = Counter{First: A, Left: map[Slot]int{A: Tries, B: Tries}}
	return d
}

func (d *fakeDisk) operation() error {
	if d.left == 0 {
		return errPower
	}
	d.left--
	d.done++
	return nil
}

func (d *fakeDisk) Open(s Slot) (Partition, error) { return &fakePartition{d, s}, nil }

func (d *fakeDisk) Counter() (Counter, error) {
	return Counter{d.counter.First, maps.Clone(d.counter.Left), d.counter.Trial}, nil
}

func (d *fakeDisk) Count(change func(*Counter)) error {
	if err := d.operation(); err != nil {
		return err
	}
	change(&d.counter)
	return nil
}

func (d *fakeDisk) Read(s Slot) (Reader, error) { return &fakePartition{d, s}, nil }

// cut turns the power off and on: of what was not synchronized, some is there.
func (d *fakeDisk) cut(r *rand.Rand) {
	for _, apply := range d.unsaved {
		switch r.IntN(3) {
		case 0:
			apply(true)
		case 1:
			apply(false)
		}
	}
	d.unsaved, d.left = nil, -1
}

// boot is what grub.cfg does.
func (d *fakeDisk) boot(starts func([]byte) bool) Slot {
	if d.counter.Left[A] == 0 && d.counter.Left[B] == 0 {
		d.counter.Left = map[Slot]int{A: Tries, B: Tries}
	}
	s := d.counter.First
	if d.counter.Left[s] == 0 {
		s = s.Other()
	}
	for range 2 {
		if d.counter.Left[s] > 0 {
			d.counter.Left[s]--
		}
		if starts(d.slots[s]) {
			return s
		}
		s = s.Other()
	}
	return ""
}

type fakePartition struct {
	d *fakeDisk
	s Slot
}

// ReadAt sees what was written, as the page cache has it.
func (p *fakePartition) ReadAt(b []byte, at int64) (int, error) {
	return bytes.NewReader(p.d.slots[p.s]).ReadAt(b, at)
}

func (p *fakePartition) WriteAt(b []byte, at int64) (int, error) {
	if err := p.d.operation(); err != nil {
		return 0, err
	}
	b = bytes.Clone(b)
	p.d.unsaved = append(p.d.unsaved, func(whole bool) {
		n := len(b)
		if !whole {
			n /= 2
		}
		copy(p.d.slots[p.s][at:], b[:n])
	})
	return len(b), nil
}

func (p *fakePartition) Size() int64 { return int64(len(p.d.slots[p.s])) }

func (p *fakePartition) Sync() error {
	if err := p.d.operation(); err != nil {
		return err
	}
	for _, apply := range p.d.unsaved {
		apply(true)
	}
	p.d.unsaved = nil
	return nil
}

func (p *fakePartition) Close() error { return nil }

// A system is what a slot holds: its bytes begin with a magic number, as a file system does.
func system(version string) []byte {
	b := make([]byte, 40<<10)
	r := rand.NewChaCha8(sha256.Sum256([]byte(version)))
	_, _ = r.Read(b)
	copy(b, "hsqs"+version)
	return b
}

type signer struct {
	public  minisign.PublicKey
	private minisign.PrivateKey
}

func newSigner(t testing.TB) signer {
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer{public, private}
}

// pack makes a bundle; change may spoil its manifest before it is signed.
func (s signer) pack(t testing.TB, version string, change func(*Manifest)) []byte {
	t.Helper()
	slot := system(version)
	sum := sha256.Sum256(slot)
	m := Manifest{Format: 1, Product: Product, Architecture: "amd64", Version: version, Size: int64(len(slot)), SHA256: hex.EncodeToString(sum[:])}
	if change != nil {
		change(&m)
	}
	text := EncodeManifest(m)
	var b bytes.Buffer
	if err := Pack(&b, text, minisign.Sign(s.private, text), bytes.NewReader(slot), int64(len(slot))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (s signer) open(t testing.TB, bundle []byte) *Bundle {
	t.Helper()
	b, err := Open(bytes.NewReader(bundle), []minisign.PublicKey{s.public})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
