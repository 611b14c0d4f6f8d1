package ssh

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Bounds for those who have not logged in. A place costs at most half a megabyte, a packet that is too long for a login.
const (
	strangersOfOne = 8  // of one source
	strangersOfAll = 24 // of all sources together
	mostSources    = 4096
)

// What a source is charged with, in time. A source that owes more than patience is not spoken with until it owes less.
const (
	noLogin       = time.Second     // a connection without a login
	wrongPassword = 5 * time.Second // a password that was looked at
	patience      = 15 * time.Second
	mostDebt      = 2 * time.Minute
)

// A gate says who may knock. A flood from one source costs itself its places. A flood from many takes the places from each
// other: when there is none left, the source with the most loses its oldest.
type gate struct {
	mu        sync.Mutex
	strangers []*stranger // the oldest first
	debts     map[netip.Prefix]time.Time
}

// A stranger is a connection that is not logged in.
type stranger struct {
	source netip.Prefix
	close  func()
}

// sourceOf is who a connection counts for: an IPv4 address, or an IPv6 network, of which a host may have all addresses.
func sourceOf(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := ap.Addr().Unmap().WithZone(""), 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // fits the address
	return p
}

// enter gives a place to a connection, which close ends. It returns nil if there is none for this source.
func (g *gate) enter(source netip.Prefix, close func()) *stranger {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Until(g.debts[source]) > patience {
		return nil
	}
	count := map[netip.Prefix]int{}
	most := source
	for _, s := range g.strangers {
		count[s.source]++
		if count[s.source] > count[most] {
			most = s.source
		}
	}
	if count[source] >= strangersOfOne {
		return nil
	}
	if len(g.strangers) >= strangersOfAll {
		i := slices.IndexFunc(g.strangers, func(s *stranger) bool { return s.source == most })
		g.strangers[i].close()
		g.strangers = slices.Delete(g.strangers, i, i+1)
	}
	s := &stranger{source: source, close: close}
	g.strangers = append(g.strangers, s)
	return s
}

// leave frees a place, if it was not taken already. Who has logged in owes nothing any more; anybody else is charged. It returns
// for how long the source is not spoken with.
func (g *gate) leave(s *stranger, in bool) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.strangers, s); i >= 0 {
		g.strangers = slices.Delete(g.strangers, i, i+1)
	}
	if in {
		delete(g.debts, s.source)
		return 0
	}
	g.charge(s.source, noLogin)
	return max(0, time.Until(g.debts[s.source])-patience)
}

// wrong charges for a wrong password.
func (g *gate) wrong(source netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.charge(source, wrongPassword)
}

func (g *gate) charge(source netip.Prefix, d time.Duration) {
	now := time.Now()
	if g.debts == nil {
		g.debts = map[netip.Prefix]time.Time{}
	}
	if _, known := g.debts[source]; !known && len(g.debts) >= mostSources {
		g.forget(now)
	}
	until := g.debts[source]
	if until.Before(now) {
		until = now
	}
	if until = until.Add(d); until.Sub(now) > mostDebt {
		until = now.Add(mostDebt)
	}
	g.debts[source] = until
}

// forget makes room: who owes nothing any more goes, and if that is nobody, anybody.
func (g *gate) forget(now time.Time) {
	for source, until := range g.debts {
		if until.Before(now) {
			delete(g.debts, source)
		}
	}
	for source := range g.debts {
		if len(g.debts) < mostSources {
			return
		}
		delete(g.debts, source)
	}
}
