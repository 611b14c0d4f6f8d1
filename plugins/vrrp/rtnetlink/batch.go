package rtnetlink

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// A Batch is requests that go to the kernel together, and their answers. The zero value is empty.
type Batch struct {
	data    []byte
	ends    []int // of each request
	answers []error
}

// A Request is one that changes something. It may be appended to many batches.
type Request struct {
	data  []byte
	index int // where the interface's index is, 0: nowhere
}

// Change flags.
const (
	Create  = unix.NLM_F_CREATE | unix.NLM_F_EXCL    // unix.EEXIST when it is there
	Replace = unix.NLM_F_CREATE | unix.NLM_F_REPLACE // change it when it is there
	Modify  = 0                                      // or delete
)

func newRequest(kind, flags uint16, payload []byte) Request {
	return Request{data: encode(kind, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags, payload)}
}

// SetIndex changes which interface a request is about, if it says one.
func (r Request) SetIndex(index int) {
	if r.index != 0 {
		binary.NativeEndian.PutUint32(r.data[r.index:], uint32(index))
	}
}

// Zero says whether there is no request.
func (r Request) Zero() bool { return r.data == nil }

// Reset empties a batch and keeps its memory.
func (b *Batch) Reset() { b.data, b.ends, b.answers = b.data[:0], b.ends[:0], b.answers[:0] }

// Grow makes room for a number of requests like those given, so that Append will not allocate.
func (b *Batch) Grow(requests ...Request) {
	n := 0
	for _, r := range requests {
		n += len(r.data)
	}
	b.data = slices.Grow(b.data, n)
	b.ends = slices.Grow(b.ends, len(requests))
	b.answers = slices.Grow(b.answers, len(requests))
}

// Append appends a request, and returns its place.
func (b *Batch) Append(r Request) (place int) {
	b.data = append(b.data, r.data...)
	b.ends = append(b.ends, len(b.data))
	b.answers = append(b.answers, nil)
	return len(b.ends) - 1
}

// Len returns the number of requests.
func (b *Batch) Len() int { return len(b.ends) }

// Answer returns what the kernel said to a request: nil is done.
func (b *Batch) Answer(place int) error { return b.answers[place] }

func (b *Batch) start(i int) int {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

func (b *Batch) request(i int) []byte         { return b.data[b.start(i):b.ends[i]] }
func (b *Batch) requests(from, to int) []byte { return b.data[b.start(from):b.ends[to-1]] }
