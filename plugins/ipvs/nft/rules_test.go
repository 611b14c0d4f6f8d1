package nft

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

func packets(address string, first, last uint16) Packets {
	return Packets{Address: netip.MustParseAddr(address), Protocol: 6, First: first, Last: last}
}

func TestRulesAreTheSameInWhateverOrderTheyWereAdded(t *testing.T) {
	a, b, c := Mark{packets("192.0.2.1", 80, 80), 7}, Mark{packets("192.0.2.1", 443, 443), 7}, Mark{packets("2001:db8::1", 0, 0), 9}
	x := Masquerade{Service: packets("192.0.2.1", 80, 80), Server: netip.MustParseAddr("10.0.0.1"), Port: 80}
	y := Masquerade{Mark: 7, Server: netip.MustParseAddr("10.0.0.1")}
	one := Rules{Marks: []Mark{a, b, c}, Masquerade: []Masquerade{x, y}}
	other := Rules{Marks: []Mark{c, a, b, a}, Masquerade: []Masquerade{y, x, x}}
	one.Sort()
	other.Sort()
	if !one.Equal(other) {
		t.Error(cmp.Diff(one, other, cmpopts.EquateComparable(netip.Addr{})))
	}
	if one.Equal(Rules{Marks: one.Marks}) || one.Equal(Rules{Masquerade: one.Masquerade}) {
		t.Error("rules equal others that lack a part")
	}
}

func TestRulesNameThemselvesInWordsOfTheField(t *testing.T) {
	for want, got := range map[string]string{
		"mark tcp 192.0.2.1:80 with 7":                     Mark{packets("192.0.2.1", 80, 80), 7}.String(),
		"mark tcp 192.0.2.1:80-90 with 7":                  Mark{packets("192.0.2.1", 80, 90), 7}.String(),
		"mark tcp 192.0.2.1 with 7":                        Mark{packets("192.0.2.1", 0, 0), 7}.String(),
		"masquerade mark 7 to 10.0.0.1:0":                  Masquerade{Mark: 7, Server: netip.MustParseAddr("10.0.0.1")}.String(),
		"masquerade tcp [2001:db8::1]:80 to [2001::1]:443": Masquerade{Service: packets("2001:db8::1", 80, 80), Server: netip.MustParseAddr("2001::1"), Port: 443}.String(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 8, 0, 2, 0, 'a', 0, 0, 0, 12, 0, 7, 0, 0, 5, 'h', 'e', 'l', 'l', 'o', 0})
	f.Fuzz(func(t *testing.T, b []byte) { parseRule(b) })
}

func TestChainsAreTheSameOnlyWhenAllIsTheSame(t *testing.T) {
	want := func() []chain {
		return []chain{{&nftables.Chain{Name: "mark_in", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityMangle},
			[]rule{{"one", make([]expr.Any, 3)}, {"two", make([]expr.Any, 3)}}}}
	}
	if !same(want(), want()) {
		t.Fatal("equal chains differ")
	}
	for what, change := range map[string]func([]chain) []chain{
		"another name":       func(c []chain) []chain { c[0].Name = "x"; return c },
		"another type":       func(c []chain) []chain { c[0].Type = nftables.ChainTypeRoute; return c },
		"another hook":       func(c []chain) []chain { c[0].Hooknum = nftables.ChainHookOutput; return c },
		"no hook":            func(c []chain) []chain { c[0].Hooknum, c[0].Priority = nil, nil; return c },
		"another priority":   func(c []chain) []chain { c[0].Priority = nftables.ChainPriorityFilter; return c },
		"one rule fewer":     func(c []chain) []chain { c[0].rules = c[0].rules[:1]; return c },
		"another rule":       func(c []chain) []chain { c[0].rules[1].comment = "three"; return c },
		"a longer rule":      func(c []chain) []chain { c[0].rules[1].exprs = make([]expr.Any, 4); return c },
		"rules in disorder":  func(c []chain) []chain { c[0].rules[0], c[0].rules[1] = c[0].rules[1], c[0].rules[0]; return c },
		"one chain too many": func(c []chain) []chain { return append(c, c...) },
		"no chain":           func([]chain) []chain { return nil },
	} {
		if same(change(want()), want()) {
			t.Errorf("%s: taken for the same", what)
		}
	}
}
