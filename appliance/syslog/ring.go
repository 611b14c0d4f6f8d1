package syslog

import "sync"

// A Ring has the newest messages in memory. The zero Ring has none, and room for none: see NewRing.
type Ring struct {
	mu   sync.Mutex
	all  []Message
	next int // where the next goes, when all is full
	most int
}

// NewRing returns a ring for so many messages.
func NewRing(most int) *Ring { return &Ring{most: most} }

// Add adds a message; the oldest goes when there is no room.
func (r *Ring) Add(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < r.most {
		r.all = append(r.all, m)
		return
	}
	r.all[r.next] = m
	r.next = (r.next + 1) % r.most
}

// Messages returns what is there, the oldest first.
func (r *Ring) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append([]Message{}, r.all[r.next:]...), r.all[:r.next]...)
}
