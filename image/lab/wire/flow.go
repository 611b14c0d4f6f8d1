package wire

import "sync"

// A flow keeps count of the bytes that are on the line.
type flow struct {
	mu   sync.Mutex
	more *sync.Cond // room or err have changed
	room int
	err  error
}

func newFlow() *flow {
	f := &flow{room: window}
	f.more = sync.NewCond(&f.mu)
	return f
}

// take waits until there is room on the line and returns how many of n bytes may be sent now.
func (f *flow) take(n int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.room == 0 && f.err == nil {
		f.more.Wait()
	}
	if f.err != nil {
		return 0, f.err
	}
	n = min(n, f.room)
	f.room -= n
	return n, nil
}

// give says that n bytes have been taken off the line.
func (f *flow) give(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room = min(f.room+n, window)
	f.more.Broadcast()
}

// end wakes whoever waits: nobody will take anything any more.
func (f *flow) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.more.Broadcast()
}
