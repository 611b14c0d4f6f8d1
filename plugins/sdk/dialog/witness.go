package dialog

import "sync"

// A Witness remembers how what came from a server began, and what its end was: libraries tell either only sometimes, or in
// words that no program can read.
type Witness struct {
	mu    sync.Mutex
	begin []byte
	end   error
}

// witnessed is how many bytes of the beginning are remembered.
const witnessed = 40

// Saw takes down what a Read has returned.
func (w *Witness) Saw(b []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin = append(w.begin, b[:min(len(b), witnessed-len(w.begin))]...)
	if err != nil && w.end == nil {
		w.end = err
	}
}

// Beginning returns the first bytes, at most 40.
func (w *Witness) Beginning() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.begin)
}

// End returns the first error; nil: there was none.
func (w *Witness) End() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end
}

// forget begins anew.
func (w *Witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin, w.end = nil, nil
}
