// Package keep is what a vrrp plugin leaves to its successor when it is killed: for each virtual router that it is master of,
// until when nobody else can be.
//
// The addresses of a plugin that was killed stay where they are. Its successor finds them, and must know whether it may go
// on as master. It may as long as no backup can have taken over meanwhile, and that is until a Master_Down_Interval after
// the last advert. So that time is stored with each advert, where it outlives the process: in a file on a tmpfs, mapped into
// memory. A store costs no system call, and is there for the next process whatever ends this one.
//
// Times are of CLOCK_BOOTTIME, which goes on from one process to the next, and the file is of one boot: what was stored
// before another one counts for nothing.
package keep

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Key names a virtual router (RFC 9568 section 1.6: an ID and a set of addresses on a link).
type Key struct {
	Interface string // at most 15 bytes, as the kernel has it
	ID        uint8
	IPv6      bool
}

// ErrBusy means that another process has the file: a vrrp plugin that is still alive.
var ErrBusy = errors.New("another vrrp plugin is still alive")

// The file is a header and slots. The layout is the machine's own: it never leaves it.
const (
	magic = "evenkeel vrrp 2\n"
	slots = 1024 // 255 virtual routers in 2 families on 2 interfaces; more find no slot, and start as backup
	size  = unsafe.Sizeof(header{}) + slots*unsafe.Sizeof(slot{})
)

type header struct {
	magic [16]byte
	boot  [48]byte
}

// A slot is one virtual router's. Its name is written once, before any time is.
type slot struct {
	name     [16]byte
	used     atomic.Uint32 // 0: free; otherwise 1, and in the second byte the ID, in the third 1 for IPv6
	sequence atomic.Uint32 // of authentication headers (RFC 2402 section 2.5)
	until    atomic.Int64  // CLOCK_BOOTTIME in ns; 0: not master
}

// A File is open and this process's alone.
type File struct {
	fd     *os.File
	bytes  []byte
	slots  []slot
	before map[Key]Entry
}

// An Entry is what the last process said of a virtual router.
type Entry struct {
	Until    time.Duration // CLOCK_BOOTTIME until which no other can have become master; 0: it was not master
	Sequence uint32        // last used in an authentication header
}

// Open opens the file in a folder, or makes it. ErrBusy means that another process has it.
func Open(dir string) (*File, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("reading the boot's id: %w", err)
	}
	return open(dir, strings.TrimSpace(string(boot)))
}

func open(dir, boot string) (_ *File, err error) {
	path := filepath.Join(dir, "masters")
	fd, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening what the last vrrp plugin has left: %w", err)
	}
	defer func() {
		if err != nil {
			fd.Close()
		}
	}()
	if err := unix.Flock(int(fd.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrBusy
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	if err := fd.Truncate(int64(size)); err != nil {
		return nil, fmt.Errorf("making room in %s: %w", path, err)
	}
	bytes, err := unix.Mmap(int(fd.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", path, err)
	}
	f := &File{fd: fd, bytes: bytes, slots: unsafe.Slice((*slot)(unsafe.Pointer(&bytes[unsafe.Sizeof(header{})])), slots)}
	f.inherit(boot)
	return f, nil
}

// inherit reads what is there, and begins anew.
func (f *File) inherit(boot string) {
	var want header
	copy(want.magic[:], magic)
	copy(want.boot[:], boot)
	h := (*header)(unsafe.Pointer(&f.bytes[0]))
	f.before = map[Key]Entry{}
	if *h == want {
		for i := range f.slots {
			s := &f.slots[i]
			if used := s.used.Load(); used != 0 {
				k := Key{Interface: strings.TrimRight(string(s.name[:]), "\x00"), ID: uint8(used >> 8), IPv6: used>>16 != 0}
				f.before[k] = Entry{Until: time.Duration(s.until.Load()), Sequence: s.sequence.Load()}
			}
		}
	}
	clear(f.bytes)
	*h = want
}

// Before returns what the last process said of a virtual router. It says so once: what was taken up is history.
func (f *File) Before(k Key) (Entry, bool) {
	if f == nil {
		return Entry{}, false
	}
	e, ok := f.before[k]
	delete(f.before, k)
	return e, ok
}

// A Slot is where one virtual router's times are stored. The nil Slot stores nothing.
type Slot struct{ s *slot }

// Until returns when the last of what the last process was master of may be somebody else's; 0: it was master of nothing.
func (f *File) Until() (at time.Duration) {
	if f != nil {
		for _, e := range f.before {
			at = max(at, e.Until)
		}
	}
	return at
}

// Slot returns a virtual router's slot. It is nil when none is free, and for a nil File.
func (f *File) Slot(k Key) *Slot {
	if f == nil || len(k.Interface) >= len(slot{}.name) {
		return nil
	}
	used := uint32(1) | uint32(k.ID)<<8
	if k.IPv6 {
		used |= 1 << 16
	}
	var name [16]byte
	copy(name[:], k.Interface)
	var free *slot
	for i := range f.slots {
		s := &f.slots[i]
		if was := s.used.Load(); was == used && s.name == name {
			return &Slot{s}
		} else if was == 0 && free == nil {
			free = s
		}
	}
	if free == nil {
		return nil
	}
	free.name = name
	free.until.Store(0)
	free.sequence.Store(0)
	free.used.Store(used)
	return &Slot{free}
}

// Advert stores that an advert has been sent, after which nobody else becomes master until then, with the sequence number of
// its authentication header if it has one.
func (s *Slot) Advert(until time.Duration, sequence uint32) {
	if s != nil {
		s.s.sequence.Store(sequence)
		s.s.until.Store(int64(until))
	}
}

// Free gives the slot to another virtual router: this one is gone, and whoever had the slot must not use it again.
func (s *Slot) Free() {
	if s != nil {
		s.s.used.Store(0)
	}
}

// Resign stores that this is no master any more.
func (s *Slot) Resign() {
	if s != nil {
		s.s.until.Store(0)
	}
}

// Remove removes the file, so that a successor finds nothing. It stays this process's until Close.
func (f *File) Remove() error {
	if f == nil {
		return nil
	}
	return os.Remove(f.fd.Name())
}

// Close gives the file to the next process, with what is stored in it.
func (f *File) Close() error {
	if f == nil {
		return nil
	}
	return errors.Join(unix.Munmap(f.bytes), f.fd.Close())
}
