package ssh

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

func source(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
}

func TestASourceIsAnIPv4AddressOrAnIPv6Network(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		a, zone, _ := strings.Cut(addr, "%")
		if got := sourceOf(&net.TCPAddr{IP: net.ParseIP(a), Zone: zone, Port: 1}); got.String() != want {
			t.Errorf("%s is %v, want %s", addr, got, want)
		}
	}
}

func TestAFloodFromOneSourceLeavesPlacesForOthers(t *testing.T) {
	var g gate
	closed := 0
	for range 100 {
		g.enter(source(1), func() { closed++ })
	}
	if len(g.strangers) != strangersOfOne || closed != 0 {
		t.Errorf("one source has %d places; %d closed", len(g.strangers), closed)
	}
	if g.enter(source(2), func() {}) == nil {
		t.Error("another one has none")
	}
}

// Places that are taken by many go to newcomers: first those of who has most.
func TestAFloodFromManySourcesTakesItsOwnPlaces(t *testing.T) {
	var g gate
	closed := map[int]int{}
	first := g.enter(source(1000), func() { closed[1000]++ })
	for i := range 100 * strangersOfAll {
		i %= strangersOfAll / 2
		g.enter(source(i), func() { closed[i]++ })
	}
	if len(g.strangers) != strangersOfAll {
		t.Errorf("%d places are taken", len(g.strangers))
	}
	if closed[1000] != 0 {
		t.Error("who has one place lost it to those who have more")
	}
	g.leave(first, true)
	if len(g.strangers) != strangersOfAll-1 {
		t.Error("a place was not given back")
	}
	g.leave(first, true)
	if len(g.strangers) != strangersOfAll-1 {
		t.Error("a place was given back twice")
	}
}

func TestWhoTriesTooMuchIsNotSpokenWithForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		speaks := func() bool {
			s := g.enter(source(1), func() {})
			if s != nil {
				g.mu.Lock()
				g.strangers = nil
				g.mu.Unlock()
			}
			return s != nil
		}
		first := g.enter(source(1), func() {})
		for range passwords {
			g.wrong(source(1))
		}
		if !speaks() {
			t.Error("a person's three tries close something before their connection has ended")
		}
		closed := g.leave(first, false)
		if closed != noLogin || speaks() {
			t.Errorf("after it has ended it is closed for %v", closed)
		}
		if g.enter(source(2), func() {}) == nil {
			t.Error("others suffer")
		}
		time.Sleep(closed)
		if !speaks() {
			t.Error("it is closed for longer than said")
		}
		for range 1000 {
			g.wrong(source(1))
		}
		time.Sleep(mostDebt - patience - time.Second)
		if speaks() {
			t.Error("a flood is forgotten too soon")
		}
		time.Sleep(time.Second)
		if !speaks() {
			t.Error("a flood is never forgotten")
		}
		// One that looks whether the port is open, every second, is no flood.
		for range 1000 {
			s := g.enter(source(3), func() {})
			if s == nil {
				t.Fatal("a monitor is not spoken with")
			}
			g.leave(s, false)
			time.Sleep(time.Second)
		}
		for range 100 {
			if s := g.enter(source(4), func() {}); s != nil {
				g.leave(s, false)
			}
		}
		if g.enter(source(4), func() {}) != nil {
			t.Error("a hundred connections at once are no flood")
		}
		g.wrong(source(5))
		g.leave(g.enter(source(5), func() {}), true)
		if _, owes := g.debts[source(5)]; owes {
			t.Error("who has logged in owes something")
		}
	})
}

func TestOnlySoManySourcesAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		for i := range mostSources + 100 {
			g.wrong(source(i))
		}
		if len(g.debts) != mostSources {
			t.Errorf("%d are", len(g.debts))
		}
		time.Sleep(time.Minute)
		g.wrong(source(mostSources + 200))
		if len(g.debts) != 1 {
			t.Errorf("%d are after they owe nothing", len(g.debts))
		}
	})
}

func TestAFloodDoesNotWashTheLogAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out journal
		var k knocks
		log := hclog.New(&hclog.LoggerOptions{Output: &out})
		for i := range 1000 {
			k.log(log, "refused", "number", i)
		}
		if n := strings.Count(out.String(), "refused"); n != knocksLogged {
			t.Errorf("%d lines", n)
		}
		time.Sleep(time.Minute)
		k.log(log, "refused", "number", 1000)
		for _, want := range []string{fmt.Sprintf("count=%d", 1000-knocksLogged), "number=1000"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q was not logged", want)
			}
		}
	})
}
