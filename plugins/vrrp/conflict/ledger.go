package conflict

import (
	"net/netip"
	"slices"
	"time"
)

// A Ledger keeps the conflicts that go on. It is pure: times are given in, of any monotonic clock. The zero value is empty
// and forgets at once; set Quiet.
type Ledger struct {
	// Patience is how long a conflict must have gone on to be news.
	Patience time.Duration
	// Quiet is how long somebody must not be heard for the conflict with him to be over.
	Quiet time.Duration
	// Most is how many conflicts are kept; no more are news. 0 is any number.
	Most int
	open []entry
}

type entry struct {
	Conflict
	first, last time.Duration
	told        bool
}

// Heard notes a claim.
func (l *Ledger) Heard(now time.Duration, c Conflict) {
	for i := range l.open {
		if l.open[i].Conflict == c {
			l.open[i].last = now
			return
		}
	}
	if l.Most == 0 || len(l.open) < l.Most {
		l.open = append(l.open, entry{Conflict: c, first: now, last: now})
	}
}

// News returns the conflicts that have gone on for Patience, each once.
func (l *Ledger) News(now time.Duration) (news []Conflict) {
	for i := range l.open {
		if e := &l.open[i]; !e.told && now-e.first >= l.Patience {
			e.told = true
			news = append(news, e.Conflict)
		}
	}
	return news
}

// Open returns the conflicts that go on.
func (l *Ledger) Open() []Conflict {
	var all []Conflict
	for _, e := range l.open {
		all = append(all, e.Conflict)
	}
	return all
}

// Next returns when News or Over has something to say, if ever.
func (l *Ledger) Next() (at time.Duration, ok bool) {
	for _, e := range l.open {
		due := e.last + l.Quiet
		if !e.told {
			due = e.first + l.Patience
		}
		if !ok || due < at {
			at, ok = due, true
		}
	}
	return at, ok
}

// Over takes out, and returns, the conflicts that are over: nobody was heard for Quiet. None was over before it was news.
func (l *Ledger) Over(now time.Duration) (over []Conflict) {
	return l.take(func(e entry) bool { return e.told && now-e.last >= l.Quiet })
}

// Released takes out, and returns, the conflicts about an address that is not held any more, of those that were news.
func (l *Ledger) Released(address netip.Addr) (over []Conflict) {
	return l.take(func(e entry) bool { return e.Address == address })
}

func (l *Ledger) take(which func(entry) bool) (taken []Conflict) {
	l.open = slices.DeleteFunc(l.open, func(e entry) bool {
		if !which(e) {
			return false
		}
		if e.told {
			taken = append(taken, e.Conflict)
		}
		return true
	})
	return taken
}
