// Package update puts a new system into the slot that does not run, and undoes it when it does not come up.
//
// A box has two slots, A and B, each with a whole system, and a counter that the boot loader reads and writes: which slot is
// wanted first, and how many boots each may still try. An update goes through these steps:
//
//	check     the manifest's signature, and that it fits this box
//	disarm    the counter: the other slot is not wanted and has no try left
//	erase     the other slot's first block, without which nothing starts from it
//	write     everything behind the first block, hashed on its way
//	begin     the first block
//	verify    the slot, read back from the disk
//	note      on the data partition what is being tried
//	arm       the counter: the other slot is wanted first, with three tries
//	restart
//
// A power cut anywhere leaves a box that starts: until arm the old system, from then on the new one. The new one has to prove
// itself (package health): only then it is marked good. If it does not in three tries, the boot loader takes the old slot;
// the system there finds the note, says what happened, and remembers the version, which is not taken again.
package update

import (
	"io"

	"github.com/evenkeel/evenkeel/appliance/slot"
)

// A Slot is one of the two: "A" or "B".
type Slot = slot.Slot

// The slots.
const (
	A = slot.A
	B = slot.B
)

// Tries is how often a slot may be tried until it has come up.
const Tries = slot.Tries

// A Counter is what the boot loader counts with.
type Counter struct {
	First Slot         // the slot that is wanted
	Left  map[Slot]int // tries
	Trial Slot         // that an update was put into, until it is good; "": none
}

// A Partition holds a slot.
type Partition interface {
	Reader
	WriteAt(b []byte, at int64) (int, error)
	Size() int64 // bytes
	Sync() error // returns when all is on the disk; what is read afterwards is read from there
}

// A Reader reads a slot from the disk.
type Reader interface {
	io.ReaderAt
	io.Closer
}

// A Disk is where the slots and their counter are.
type Disk interface {
	// Open opens a slot that nobody else has open to write to it: not the running one.
	Open(s Slot) (Partition, error)
	// Read opens any slot for reading.
	Read(s Slot) (Reader, error)
	Counter() (Counter, error)
	// Count changes the counter in one write: there is the old one or the new one.
	Count(change func(*Counter)) error
}
