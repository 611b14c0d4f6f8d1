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
	l := Ledger{Patience: time.Second, Quiet: 10 * time.Second}
	if _, ok := l.Next(); ok {
		t.Error("an empty ledger has a deadline")
	}
	is := func(what string, got []Conflict, want ...Conflict) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	next := func(want time.Duration) {
		t.Helper()
		if at, ok := l.Next(); !ok || at != want {
			t.Errorf("next at %v, want %v", at, want)
		}
	}
	l.Heard(0, a)
	next(time.Second)
	is("too early", l.News(time.Second-1))
	is("it goes on", l.News(time.Second), a)
	is("again", l.News(2*time.Second))
	l.Heard(4*time.Second, a)
	next(14 * time.Second)
	l.Heard(5*time.Second, b)
	next(6 * time.Second)
	is("another one", l.News(6*time.Second), b)
	l.Heard(6*time.Second, a)
	next(15 * time.Second)
	is("over too early", l.Over(15*time.Second-1))
	is("over", l.Over(15*time.Second), b)
	is("open", l.Open(), a)
	is("released", l.Released(a.Address), a)
	is("left", l.Open())
	l.Heard(20*time.Second, a)
	is("it begins again", l.News(21*time.Second), a)
}

func TestWhatEndsBeforeItIsNewsIsNotToldOf(t *testing.T) {
	a := Conflict{Interface: "eth0", Address: netip.MustParseAddr("192.0.2.1"), Hardware: [6]byte{2}}
	l := Ledger{Patience: time.Second, Quiet: 10 * time.Second}
	l.Heard(0, a)
	if over := l.Released(a.Address); over != nil {
		t.Errorf("over: %v", over)
	}
	if news := l.News(time.Minute); news != nil {
		t.Errorf("news: %v", news)
	}
}

func TestWhoeverMakesUpAddressesIsNotKeptWithoutEnd(t *testing.T) {
	l := Ledger{Quiet: time.Minute, Most: 3}
	for n := range 100 {
		l.Heard(0, Conflict{Interface: "eth0", Hardware: [6]byte{2, 0, 0, 0, 0, byte(n)}})
	}
	if n := len(l.News(0)); n != 3 {
		t.Errorf("%d are news, want 3", n)
	}
	l.Over(time.Minute)
	l.Heard(time.Minute, Conflict{Interface: "eth0"})
	if n := len(l.News(time.Minute)); n != 1 {
		t.Error("when they are over there is no room")
	}
}
