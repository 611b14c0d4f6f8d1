package conflict

import (
	"net/netip"
	"slices"
	"time"
)

// A Ledger keeps the conflicts that go on. It is pure: times are given in, of any monotonic clock. The zero value is empty
// and forgets at once; set Quiet.
type Ledger struct {
	// Quiet is how long somebody must not be heard for the conflict with him to be over.
	Quiet time.Duration
	// Most is how many conflicts are kept; no more are news. 0 is any number.
	Most int
	open []entry
}

type entry struct {
	Conflict
	last time.Duration
}

// Heard notes a claim, and says whether it is news.
func (l *Ledger) Heard(now time.Duration, c Conflict) (news bool) {
	for i := range l.open {
		if l.open[i].Conflict == c {
			l.open[i].last = now
			return false
		}
	}
	if l.Most != 0 && len(l.open) >= l.Most {
		return false
	}
	l.open = append(l.open, entry{c, now})
	return true
}

// Open returns the conflicts that go on.
func (l *Ledger) Open() []Conflict {
	var all []Conflict
	for _, e := range l.open {
		all = append(all, e.Conflict)
	}
	return all
}

// Next returns when Over has something to say, if ever.
func (l *Ledger) Next() (at time.Duration, ok bool) {
	for _, e := range l.open {
		if end := e.last + l.Quiet; !ok || end < at {
			at, ok = end, true
		}
	}
	return at, ok
}

// Over takes out, and returns, the conflicts that are over: nobody was heard for Quiet.
func (l *Ledger) Over(now time.Duration) (over []Conflict) {
	return l.take(func(e entry) bool { return now-e.last >= l.Quiet })
}

// Released takes out, and returns, the conflicts about an address that is not held any more.
func (l *Ledger) Released(address netip.Addr) (over []Conflict) {
	return l.take(func(e entry) bool { return e.Address == address })
}

func (l *Ledger) take(which func(entry) bool) (taken []Conflict) {
	l.open = slices.DeleteFunc(l.open, func(e entry) bool {
		if !which(e) {
			return false
		}
		taken = append(taken, e.Conflict)
		return true
	})
	return taken
}
