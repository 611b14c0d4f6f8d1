package ipvs

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// randomTable returns one of few keys, so that two of them have much in common.
func randomTable(r *rand.Rand) sdk.Table {
	var t sdk.Table
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for i := range 8 {
		if r.IntN(3) == 0 {
			continue
		}
		s := sdk.Service{
			Key:       sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), Port: 80},
			Scheduler: pick("rr", "wrr", "sh"), OnePacket: r.IntN(4) == 0,
		}
		switch i {
		case 1:
			s.Key = sdk.ServiceKey{Mark: 5}
		case 2:
			s.Key = sdk.ServiceKey{Mark: 5, IPv6: true}
		case 3:
			s.Key = sdk.ServiceKey{Protocol: sdk.UDP, Address: netip.MustParseAddr("2001:db8::1"), Port: 53, IPv6: true}
		}
		if s.Scheduler == "sh" && r.IntN(2) == 0 {
			s.Flags = []string{"sh-fallback"}
		}
		for j := range 6 {
			if r.IntN(3) == 0 {
				continue
			}
			d := sdk.Destination{Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(j)}), Port: 80, Forward: sdk.Forward(pick("nat", "dr", "tun")), Weight: uint32(r.IntN(4))}
			if s.Key.Is6() {
				d.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8::1:%x", j))
			}
			if r.IntN(3) == 0 {
				d.UpperThreshold = 100
			}
			s.Destinations = append(s.Destinations, d)
		}
		t.Services = append(t.Services, s)
	}
	if r.IntN(3) == 0 {
		t.Sync = append(t.Sync, sdk.SyncDaemon{Interface: pick("eth0", "eth1"), ID: uint8(r.IntN(3))})
	}
	return t
}

func tableOf(t *testing.T, want sdk.Table) *table {
	t.Helper()
	d, _, err := (*desired)(nil).desire(full(1, want))
	if err != nil {
		t.Fatal(err)
	}
	return d.table
}

func read(t *testing.T, k kernel.Kernel) *table {
	t.Helper()
	is, err := readTable(k)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// A watcher looks at every step of a transition from one table to another, and says which broke the rule.
//
// The rule: a real server that is in the service before and after is there all the time, and never with a lower weight than
// the lower of the two; the servers that take connections, and their weights together, are never fewer than the fewer of
// before and after. A service that stays is never gone, and one that comes does so before any goes.
type watcher struct {
	kernel        *kernel.Memory
	before, after *table
	gone          int
	broken        []string
}

func (w *watcher) step(o kernel.Op) {
	complain := func(format string, args ...any) {
		w.broken = append(w.broken, fmt.Sprintf("after %q: ", o)+fmt.Sprintf(format, args...))
	}
	switch o.Command {
	case kernel.NewService:
		if w.gone > 0 {
			complain("a service comes after one has gone")
		}
	case kernel.DelService:
		w.gone++
	}
	for k, before := range w.before.services {
		after := w.after.services[k]
		if after == nil {
			continue
		}
		_, now, there := w.kernel.Holds(k)
		if !there {
			complain("%s is gone", k)
			continue
		}
		for dk, b := range before.destinations {
			if a, stays := after.destinations[dk]; stays {
				if d, ok := now[dk]; !ok || d.Weight < min(a.Weight, b.Weight) {
					complain("%s -> %s has weight %d (there: %v), from %d to %d", k, dk, d.Weight, ok, b.Weight, a.Weight)
				}
			}
		}
		count, sum := strength(now)
		countBefore, sumBefore := strength(before.destinations)
		countAfter, sumAfter := strength(after.destinations)
		if count < min(countBefore, countAfter) || sum < min(sumBefore, sumAfter) {
			complain("%s has %d servers of weight %d, from %d of %d to %d of %d", k, count, sum, countBefore, sumBefore, countAfter, sumAfter)
		}
	}
}

func strength(list map[kernel.DestinationKey]kernel.Destination) (count int, sum uint64) {
	for _, d := range list {
		if d.Weight > 0 {
			count++
			sum += uint64(d.Weight)
		}
	}
	return count, sum
}

func TestFromAnyTableToAnyOtherNoServiceIsEverEmptierThanItShouldBe(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := kernel.NewMemory()
		b := newBalancer(t, m)
		generation := uint64(0)
		for range 5 {
			next := randomTable(r)
			w := &watcher{kernel: m, before: read(t, m), after: tableOf(t, next)}
			m.After = w.step
			generation++
			result := apply(t, b, full(generation, next))
			m.After = nil
			if len(w.broken) > 0 {
				t.Fatalf("seed %d:\n%s", seed, strings.Join(w.broken, "\n"))
			}
			if lines := differences(read(t, m), w.after, nil); len(lines) > 0 {
				t.Fatalf("seed %d: the kernel does not hold what it should:\n%s", seed, strings.Join(lines, "\n"))
			}
			if got := len(m.Log()); got != result.Writes {
				t.Errorf("seed %d: %d writes reported, %d done", seed, result.Writes, got)
			}
		}
	}
}

func TestAFreshBalancerWritesNothingOverWhatAnotherMade(t *testing.T) {
	for seed := range uint64(200) {
		m := kernel.NewMemory()
		want := randomTable(rand.New(rand.NewPCG(seed, 2)))
		apply(t, newBalancer(t, m), full(1, want))
		if r := apply(t, newBalancer(t, m), full(1, want)); r.Writes != 0 {
			t.Fatalf("seed %d: %d writes: %v", seed, r.Writes, m.Log())
		}
	}
}

// Deltas lead where a full table leads.
func TestAChainOfDeltasHoldsWhatTheFullTableHolds(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		m := kernel.NewMemory()
		b := newBalancer(t, m)
		now := randomTable(r)
		now.Sync = nil
		apply(t, b, full(1, now))
		for generation := uint64(2); generation < 8; generation++ {
			next := randomTable(r)
			next.Sync = nil
			u := deltaOf(now, next, r)
			u.Generation, u.Base = generation, generation-1
			w := &watcher{kernel: m, before: read(t, m), after: tableOf(t, next)}
			m.After = w.step
			apply(t, b, u)
			m.After = nil
			if len(w.broken) > 0 {
				t.Fatalf("seed %d:\n%s", seed, strings.Join(w.broken, "\n"))
			}
			if lines := differences(read(t, m), w.after, nil); len(lines) > 0 {
				t.Fatalf("seed %d: the kernel does not hold what it should:\n%s", seed, strings.Join(lines, "\n"))
			}
			now = next
		}
	}
}

// deltaOf says the way from one table to another in real servers where it can, and now and then in whole services.
func deltaOf(from, to sdk.Table, r *rand.Rand) sdk.TableUpdate {
	var u sdk.TableUpdate
	old := make(map[sdk.ServiceKey]sdk.Service)
	for _, s := range from.Services {
		old[s.Key] = s
	}
	for _, s := range to.Services {
		before, stays := old[s.Key]
		delete(old, s.Key)
		settings := func(s sdk.Service) string { return fmt.Sprint(s.Scheduler, s.Flags, s.OnePacket) }
		if !stays || settings(before) != settings(s) || r.IntN(5) == 0 {
			u.Table.Services = append(u.Table.Services, s)
			continue
		}
		gone := make(map[netip.Addr]bool)
		for _, d := range before.Destinations {
			gone[d.Address] = true
		}
		for _, d := range s.Destinations {
			delete(gone, d.Address)
			u.Changed = append(u.Changed, sdk.DestinationUpdate{Service: s.Key, Destination: d})
		}
		for a := range gone {
			u.Gone = append(u.Gone, sdk.DestinationKey{Service: s.Key, Address: a, Port: 80})
		}
	}
	for k := range old {
		u.Removed = append(u.Removed, k)
	}
	return u
}
