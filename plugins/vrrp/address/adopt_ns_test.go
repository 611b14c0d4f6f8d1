package address

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestNSAnAddressOfSomebodyElsesIsTakenOverAndGoesWithTheSet(t *testing.T) {
	b := newBox(t)
	b.ip("address", "add", "192.0.2.1/24", "dev", "eth0")
	b.ip("address", "add", "2001:db8::1/128", "dev", "eth0", "nodad")
	s := b.set(on("192.0.2.1/24", "2001:db8::1/64", "192.0.2.2/24"))
	if held, _, err := s.Held(); held != 0 || err != nil {
		t.Errorf("%d of the operator's addresses are taken for ours, %v", held, err)
	}
	const taken = ", which somebody else had configured: it will go when the instance is not master"
	b.said(s.Add(), "took over 192.0.2.1/24 on eth0"+taken, "took over 2001:db8::1/64 on eth0"+taken, "added 192.0.2.2/24 on eth0")
	if held, _, err := s.Held(); held != 3 || err != nil {
		t.Errorf("%d of 3 are marked afterwards, %v", held, err)
	}
	line, _ := b.shows("2001:db8::1/64") // no longer /128, and as a virtual address should be
	b.contains(line, "deprecated", "nodad")
	b.said(s.Sync())
	s.Remove()
	for _, a := range []string{"192.0.2.1/24", "2001:db8::1/64", "2001:db8::1/128"} {
		if line, ok := b.shows(a); ok {
			t.Errorf("still there: %s", line)
		}
	}
}

func TestNSASuccessorAdoptsWhatIsMarkedAndWritesNothing(t *testing.T) {
	b := newBox(t)
	addresses := on("192.0.2.1/24", "2001:db8::1/64", "192.0.2.2/24")
	addresses[2].Label = "eth0:old"
	route := Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Via: netip.MustParseAddr("192.0.2.254")}
	b.set(addresses, route).Add()

	addresses[2].Label = "eth0:new"
	next := b.set(addresses, route) // of another process, say
	if held, of, err := next.Held(); held != 4 || of != 4 || err != nil {
		t.Errorf("held %d of %d, %v; want 4 of 4", held, of, err)
	}
	b.said(next.Sync(), "192.0.2.1/24 on eth0 was there already", "2001:db8::1/64 on eth0 was there already",
		"corrected 192.0.2.2/24 on eth0", "route to 198.51.100.0/24 via 192.0.2.254 was there already")
	line, _ := b.shows("192.0.2.2/24")
	b.contains(line, "eth0:new")
	b.said(next.Sync())
}

func TestNSWhatAPredecessorLeftAndNobodyWantsIsSwept(t *testing.T) {
	b := newBox(t)
	b.ip("address", "add", "192.0.2.77/24", "dev", "eth0")
	kept, gone := b.set(on("192.0.2.1/24")), b.set(on("192.0.2.2/24", "2001:db8::2/64"),
		Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Interface: "eth0", Table: 7})
	kept.Add()
	gone.Add()
	b.said(b.kernel.Sweep(kept), "removed route to 198.51.100.0/24 on eth0 in table 7", "removed 192.0.2.2/24 on eth0", "removed 2001:db8::2/64 on eth0")
	for _, a := range []string{"192.0.2.1/24", "192.0.2.11/24", "192.0.2.77/24", "2001:db8::11/64"} {
		if _, ok := b.shows(a); !ok {
			t.Errorf("%s was swept too", a)
		}
	}
	b.said(b.kernel.Sweep(), "removed 192.0.2.1/24 on eth0")
	b.said(b.kernel.Sweep())
}

func TestNSAnAddressThatSomebodyDeletesIsAddedAgainBySync(t *testing.T) {
	b := newBox(t)
	s := b.set(on("192.0.2.1/24", "2001:db8::1/64"))
	s.Add()
	b.ip("address", "delete", "192.0.2.1/24", "dev", "eth0")
	b.ip("address", "delete", "2001:db8::1/64", "dev", "eth0")
	b.said(s.Sync(), "added 192.0.2.1/24 on eth0", "added 2001:db8::1/64 on eth0")
	b.said(s.Sync())
}

func TestNSAnInterfaceThatComesBackGetsItsAddressesAgain(t *testing.T) {
	b := newBox(t)
	addresses := append(on("192.0.2.1/24"), Address{Prefix: netip.MustParsePrefix("10.1.0.254/24"), Interface: "eth1"})
	s := b.set(addresses, Route{Destination: netip.MustParsePrefix("10.2.0.0/16"), Interface: "eth1"})
	// What can be done is done.
	b.said(s.Add(), "added 192.0.2.1/24 on eth0", "add 10.1.0.254/24 on eth1: interface eth1 does not exist",
		"add route to 10.2.0.0/16 on eth1: interface eth1 does not exist")
	for range 2 {
		b.ip("link", "add", "eth1", "type", "veth", "peer", "name", "far1")
		b.ip("link", "set", "eth1", "up")
		b.said(s.Sync(), "added 10.1.0.254/24 on eth1", "added route to 10.2.0.0/16 on eth1")
		b.ip("link", "delete", "eth1")
		b.said(s.Sync(), "add 10.1.0.254/24 on eth1: interface eth1 does not exist", "add route to 10.2.0.0/16 on eth1: interface eth1 does not exist")
	}
	b.said(s.Remove(), "removed 192.0.2.1/24 on eth0")
}

func TestNSOneAddressThatFailsKeepsNoOtherFromItsPlace(t *testing.T) {
	b := newBox(t)
	b.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "1")
	changes := b.set(on("192.0.2.1/24", "2001:db8::1/64", "192.0.2.2/24")).Add()
	if len(changes) != 3 || changes[0].Err != nil || changes[1].Err == nil || changes[2].Err != nil {
		t.Errorf("%v; want only 2001:db8::1 to fail", changes)
	}
}

func TestNSAnOperatorsAddressOutlivesOursThatWasThereFirst(t *testing.T) {
	b := newBox(t)
	b.Sysctl("net/ipv4/conf/eth0/promote_secondaries", "0")
	s := b.set(on("203.0.113.1/24"))
	s.Add()
	b.ip("address", "add", "203.0.113.77/24", "dev", "eth0") // secondary to ours
	line, _ := b.shows("203.0.113.77/24")
	b.contains(line, "secondary")
	b.said(s.Remove(), "removed 203.0.113.1/24 on eth0")
	if _, ok := b.shows("203.0.113.77/24"); !ok {
		t.Error("the operator's address went with ours")
	}
}

func TestNSANewConfigurationLeavesWhatIsInBoth(t *testing.T) {
	b := newBox(t)
	to := func(p string) Route { return Route{Destination: netip.MustParsePrefix(p), Interface: "eth0"} }
	old := b.set(on("192.0.2.1/24", "192.0.2.2/24"), to("198.51.100.0/24"), to("203.0.113.0/24"))
	old.Add()
	next := b.set(on("192.0.2.2/24", "192.0.2.3/24"), to("203.0.113.0/24"))
	b.said(next.Sync(), "192.0.2.2/24 on eth0 was there already", "added 192.0.2.3/24 on eth0", "route to 203.0.113.0/24 on eth0 was there already")
	b.said(old.RemoveExcept(next), "removed 192.0.2.1/24 on eth0", "removed route to 198.51.100.0/24 on eth0")
	if held, of, err := next.Held(); held != of || err != nil {
		t.Errorf("held %d of %d, %v", held, of, err)
	}
}

func TestNSManyAddressesNeedFewDatagramsAndNoMemory(t *testing.T) {
	b := newBox(t)
	var prefixes []string
	for i := range 255 {
		prefixes = append(prefixes, fmt.Sprintf("10.0.0.%d/32", i))
	}
	s := b.set(on(prefixes...))
	b.Do(func() error {
		allocations := testing.AllocsPerRun(3, func() {
			for _, changes := range [][]Change{s.Add(), s.Remove()} {
				if len(changes) != 255 || changes[0].Err != nil || changes[254].Err != nil {
					t.Errorf("%d changes, want 255: first %v", len(changes), changes[:min(1, len(changes))])
				}
			}
		})
		if allocations != 0 {
			t.Errorf("%v allocations to become master and leave", allocations)
		}
		return nil
	})
}

func TestNSWhatTheKernelDoesNotChangeInPlaceIsMadeAnew(t *testing.T) {
	b := newBox(t)
	addresses := on("203.0.113.1/24", "2001:db8:5::1/64")
	b.set(addresses).Add()
	for i := range addresses {
		addresses[i].NoPrefixRoute = true
	}
	addresses[1].Preferred = true
	s := b.set(addresses)
	b.said(s.Sync(), "corrected 203.0.113.1/24 on eth0", "corrected 2001:db8:5::1/64 on eth0")
	b.said(s.Sync())
	for _, a := range []string{"203.0.113.1/24", "2001:db8:5::1/64"} {
		line, _ := b.shows(a)
		b.contains(line, "noprefixroute", "!deprecated")
	}
	b.contains(b.ip("route", "show")+b.ip("-6", "route", "show"), "!203.0.113.0/24", "!2001:db8:5::/64")
}

func TestNSAnAddressThatDuplicateDetectionRefusedWorksWhenWeHaveIt(t *testing.T) {
	b, neighbour := pair(t)
	neighbour.ip("address", "add", "2001:db8::1/64", "dev", "eth0", "nodad")
	b.Sysctl("net/ipv6/conf/eth0/accept_dad", "1")
	b.ip("address", "add", "2001:db8::1/64", "dev", "eth0")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if line, _ := b.shows("2001:db8::1/64"); strings.Contains(line, "dadfailed") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("duplicate address detection finds nothing")
		}
	}
	b.set(on("2001:db8::1/64")).Add()
	line, _ := b.shows("2001:db8::1/64")
	b.contains(line, "!dadfailed", "!tentative", "nodad")
}
