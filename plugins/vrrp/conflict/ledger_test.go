package conflict

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestAConflictIsNewsOnceAndOverWhenNobodyIsHeard(t *testing.T) {
	a := Conflict{Interface: "eth0", Address: netip.MustParseAddr("192.0.2.1"), Hardware: [6]byte{2}}
	b := a
	b.Hardware[5] = 9 // somebody else yet
	l := Ledger{Quiet: 10 * time.Second}
	if _, ok := l.Next(); ok {
		t.Error("an empty ledger has a deadline")
	}
	for _, c := range []struct {
		at   time.Duration
		who  Conflict
		news bool
	}{{0, a, true}, {4 * time.Second, a, false}, {5 * time.Second, b, true}, {6 * time.Second, a, false}} {
		if got := l.Heard(c.at, c.who); got != c.news {
			t.Errorf("at %v news is %v, want %v", c.at, got, c.news)
		}
	}
	if at, ok := l.Next(); !ok || at != 15*time.Second {
		t.Errorf("next at %v, want 15 s", at)
	}
	if over := l.Over(15*time.Second - 1); over != nil {
		t.Errorf("%v is over too early", over)
	}
	if over := l.Over(15 * time.Second); !slices.Equal(over, []Conflict{b}) {
		t.Errorf("over at 15 s: %v, want %v", over, b)
	}
	if open := l.Open(); !slices.Equal(open, []Conflict{a}) {
		t.Errorf("open: %v, want %v", open, a)
	}
	if over := l.Released(a.Address); !slices.Equal(over, []Conflict{a}) || l.Open() != nil {
		t.Errorf("released: %v, and %v is left", over, l.Open())
	}
	if !l.Heard(20*time.Second, a) {
		t.Error("what begins again is news again")
	}
}

func TestWhoeverMakesUpAddressesIsNotKeptWithoutEnd(t *testing.T) {
	l := Ledger{Quiet: time.Minute, Most: 3}
	for n := range 100 {
		c := Conflict{Interface: "eth0", Hardware: [6]byte{2, 0, 0, 0, 0, byte(n)}}
		if news := l.Heard(0, c); news != (n < 3) {
			t.Errorf("claim %d is news: %v", n, news)
		}
	}
	if n := len(l.Open()); n != 3 {
		t.Errorf("%d are kept, want 3", n)
	}
	l.Over(time.Minute)
	if !l.Heard(time.Minute, Conflict{Interface: "eth0"}) {
		t.Error("when they are over there is no room")
	}
}
