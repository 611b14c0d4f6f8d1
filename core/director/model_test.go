package director

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// addresses lets go-cmp compare values with unexported fields, which are all comparable.
var addresses = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// A balancer is the simplest thing that obeys table updates: what a balancer plugin must hold after each of them.
type balancer struct {
	generation uint64
	timeouts   sdk.Timeouts
	sync       []sdk.SyncDaemon
	services   map[sdk.ServiceKey]*pool
}

type pool struct {
	service      sdk.Service // without Destinations
	destinations map[netip.AddrPort]sdk.Destination
}

// apply takes an update in. An error is an update that a plugin could not make sense of.
func (b *balancer) apply(u sdk.TableUpdate) error {
	if u.Generation == 0 {
		return nil
	}
	if u.Full {
		b.services = make(map[sdk.ServiceKey]*pool)
		b.timeouts, b.sync = u.Table.Timeouts, u.Table.Sync
	} else if u.Base != b.generation {
		return fmt.Errorf("an update from generation %d at %d", u.Base, b.generation)
	}
	if u.Generation <= b.generation {
		return fmt.Errorf("generation %d after %d", u.Generation, b.generation)
	}
	b.generation = u.Generation

	seen := make(map[string]bool)
	once := func(what any) error {
		s := fmt.Sprint(what)
		if seen[s] {
			return fmt.Errorf("%s is named twice", s)
		}
		seen[s] = true
		return nil
	}
	for _, key := range u.Removed {
		if err := once(key); err != nil {
			return err
		}
		if b.services[key] == nil {
			return fmt.Errorf("removed service %v is not there", key)
		}
		delete(b.services, key)
	}
	whole := make(map[sdk.ServiceKey]bool)
	for _, s := range u.Table.Services {
		if err := once(s.Key); err != nil {
			return err
		}
		whole[s.Key] = true
		p := &pool{service: s, destinations: make(map[netip.AddrPort]sdk.Destination)}
		p.service.Destinations = nil
		for _, dest := range s.Destinations {
			at := netip.AddrPortFrom(dest.Address, dest.Port)
			if _, twice := p.destinations[at]; twice {
				return fmt.Errorf("%v is twice in %v", at, s.Key)
			}
			p.destinations[at] = dest
		}
		b.services[s.Key] = p
	}
	for _, c := range u.Changed {
		at := netip.AddrPortFrom(c.Destination.Address, c.Destination.Port)
		if err := once([]any{c.Service, at}); err != nil {
			return err
		}
		p := b.services[c.Service]
		switch {
		case p == nil:
			return fmt.Errorf("changed %v in %v, which is not there", at, c.Service)
		case whole[c.Service]:
			return fmt.Errorf("changed %v in %v, which came as a whole", at, c.Service)
		case p.destinations[at] == c.Destination:
			return fmt.Errorf("changed %v in %v is as it was", at, c.Service)
		}
		p.destinations[at] = c.Destination
	}
	for _, g := range u.Gone {
		at := netip.AddrPortFrom(g.Address, g.Port)
		if err := once([]any{g.Service, at}); err != nil {
			return err
		}
		p := b.services[g.Service]
		if p == nil || whole[g.Service] {
			return fmt.Errorf("gone %v of %v, which is not there or came as a whole", at, g.Service)
		}
		if _, there := p.destinations[at]; !there {
			return fmt.Errorf("gone %v of %v is not there", at, g.Service)
		}
		delete(p.destinations, at)
	}
	return nil
}

// table returns what the balancer holds, in an order of its own.
func (b *balancer) table() sdk.Table {
	t := sdk.Table{Timeouts: b.timeouts, Sync: b.sync}
	for _, p := range b.services {
		s := p.service
		s.Destinations = slices.Collect(maps.Values(p.destinations))
		t.Services = append(t.Services, s)
	}
	return sorted(t)
}

// sorted brings a table into one order, so that two can be compared as the sets that they are.
func sorted(t sdk.Table) sdk.Table {
	t.Services = slices.Clone(t.Services)
	slices.SortFunc(t.Services, func(a, b sdk.Service) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	for i, s := range t.Services {
		s.Destinations = slices.Clone(s.Destinations)
		slices.SortFunc(s.Destinations, func(a, b sdk.Destination) int {
			return netip.AddrPortFrom(a.Address, a.Port).Compare(netip.AddrPortFrom(b.Address, b.Port))
		})
		t.Services[i] = s
	}
	return t
}

func sameTables(t testing.TB, what string, want, got sdk.Table) {
	t.Helper()
	want, got = sorted(want), sorted(got)
	if reflect.DeepEqual(want, got) {
		return // cheaper than a difference
	}
	if diff := gocmp.Diff(want, got, addresses, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// observed returns a table as the kernel would show it.
func observed(t sdk.Table) []sdk.ObservedService {
	var services []sdk.ObservedService
	for _, s := range t.Services {
		o := sdk.ObservedService{Service: s}
		for _, dest := range s.Destinations {
			o.Destinations = append(o.Destinations, sdk.ObservedDestination{Destination: dest})
		}
		o.Service.Destinations = nil
		services = append(services, o)
	}
	return services
}

// A prober is the simplest thing that obeys target updates.
type prober map[string]map[string]sdk.Target // by check type and ID

func (p prober) apply(updates map[string]sdk.TargetUpdate) error {
	for typ, u := range updates {
		if u.Generation == 0 {
			return fmt.Errorf("an update of %s without a generation", typ)
		}
		if u.Full || p[typ] == nil {
			p[typ] = make(map[string]sdk.Target)
		}
		for _, id := range u.Removed {
			if _, there := p[typ][id]; !there {
				return fmt.Errorf("removed target %s is not there", id)
			}
			delete(p[typ], id)
		}
		for _, t := range u.Targets {
			p[typ][t.ID] = t
		}
	}
	return nil
}
