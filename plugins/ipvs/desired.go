package ipvs

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A desired is the table that the core wants, in its own words and in the kernel's.
type desired struct {
	generation uint64
	doubtful   bool // the last update ended in an error: the core does not know what is here
	services   map[kernel.ServiceKey]sdk.Service
	table      *table                          // the same, in the kernel's words
	leave      map[kernel.ServiceKey]bool      // services that make no sense: what the kernel has under their key stays as it is
	rules      map[kernel.ServiceKey]nft.Rules // for packets, of the services that need any
	failures   map[kernel.ServiceKey][]sdk.Failure
	nameless   []sdk.Failure // of services whose key itself makes no sense
}

func newDesired() *desired {
	return &desired{
		services: make(map[kernel.ServiceKey]sdk.Service),
		table:    newTable(),
		leave:    make(map[kernel.ServiceKey]bool),
		rules:    make(map[kernel.ServiceKey]nft.Rules),
		failures: make(map[kernel.ServiceKey][]sdk.Failure),
	}
}

// desire returns the desired table after an update of d, which is nil before the first, and the services that it speaks
// of: nil means all. d itself is changed when the update builds on it.
func (d *desired) desire(u sdk.TableUpdate) (*desired, []kernel.ServiceKey, error) {
	if u.Full {
		d = newDesired()
		d.table.timeouts = timeoutsToKernel(u.Table.Timeouts)
		for _, s := range u.Table.Sync {
			d.table.daemons[s.Backup] = daemonToKernel(s)
		}
		for _, s := range u.Table.Services {
			d.set(s)
		}
		d.generation = u.Generation
		return d, nil, nil
	}
	if d == nil || d.doubtful || d.generation != u.Base || !d.knows(u) {
		return nil, nil, sdk.ErrNeedFull
	}
	touched := make([]kernel.ServiceKey, 0, len(u.Table.Services)+len(u.Removed)+len(u.Changed)+len(u.Gone))
	d.nameless = nil
	for _, s := range u.Table.Services {
		touched = append(touched, d.set(s))
	}
	for _, k := range u.Removed {
		if key, err := keyToKernel(k); err == nil {
			d.remove(key)
			touched = append(touched, key)
		}
	}
	for key, s := range d.inServices(u) {
		d.set(s)
		touched = append(touched, key)
	}
	slices.SortFunc(touched, compareKeys)
	d.generation = u.Generation
	return d, slices.Compact(touched), nil
}

// knows says whether every service in which the update changes a real server is there, or comes with it.
func (d *desired) knows(u sdk.TableUpdate) bool {
	there := func(k sdk.ServiceKey) bool {
		key, err := keyToKernel(k)
		_, ok := d.services[key]
		return err == nil && (ok || slices.ContainsFunc(u.Table.Services, func(s sdk.Service) bool { return s.Key == k }))
	}
	return !slices.ContainsFunc(u.Changed, func(c sdk.DestinationUpdate) bool { return !there(c.Service) }) &&
		!slices.ContainsFunc(u.Gone, func(g sdk.DestinationKey) bool { return !there(g.Service) })
}

// inServices returns the services in which real servers change, as they will be.
func (d *desired) inServices(u sdk.TableUpdate) map[kernel.ServiceKey]sdk.Service {
	changed := make(map[kernel.ServiceKey]sdk.Service)
	edit := func(k sdk.ServiceKey, f func([]sdk.Destination) []sdk.Destination) {
		key, _ := keyToKernel(k)
		s, ok := changed[key]
		if !ok {
			if s, ok = d.services[key]; !ok {
				return // removed by the same update
			}
			s.Destinations = slices.Clone(s.Destinations)
		}
		s.Destinations = f(s.Destinations)
		changed[key] = s
	}
	is := func(a netip.Addr, port uint16) func(sdk.Destination) bool {
		return func(d sdk.Destination) bool { return plain(d.Address) == plain(a) && d.Port == port }
	}
	for _, g := range u.Gone {
		edit(g.Service, func(list []sdk.Destination) []sdk.Destination {
			return slices.DeleteFunc(list, is(g.Address, g.Port))
		})
	}
	for _, c := range u.Changed {
		edit(c.Service, func(list []sdk.Destination) []sdk.Destination {
			if i := slices.IndexFunc(list, is(c.Destination.Address, c.Destination.Port)); i >= 0 {
				list[i] = c.Destination
				return list
			}
			return append(list, c.Destination)
		})
	}
	return changed
}

// set takes a service in, in place of the one with its key.
func (d *desired) set(s sdk.Service) kernel.ServiceKey {
	fail := func(destination, what string, err error) sdk.Failure {
		return sdk.Failure{Service: s.Key, Destination: destination, Operation: what, Error: err.Error()}
	}
	key, err := keyToKernel(s.Key)
	if err != nil {
		d.nameless = append(d.nameless, fail("", "add service", err))
		return key
	}
	d.remove(key)
	d.services[key] = s
	k, err := serviceToKernel(s)
	if err != nil {
		d.leave[key] = true
		d.failures[key] = append(d.failures[key], fail("", "add service", err))
		return key
	}
	to := &service{k, make(map[kernel.DestinationKey]kernel.Destination, len(s.Destinations))}
	for _, dest := range s.Destinations {
		kd, err := destinationToKernel(dest)
		if err == nil {
			if _, twice := to.destinations[kd.DestinationKey]; twice {
				err = fmt.Errorf("the service has this real server twice")
			}
		}
		if err != nil {
			d.failures[key] = append(d.failures[key], fail(netip.AddrPortFrom(dest.Address, dest.Port).String(), "add real server", err))
			continue
		}
		to.destinations[kd.DestinationKey] = kd
	}
	d.table.services[key] = to
	if r := rulesOf(key, s); !r.Empty() {
		d.rules[key] = r
	}
	return key
}

func (d *desired) remove(key kernel.ServiceKey) {
	delete(d.services, key)
	delete(d.table.services, key)
	delete(d.leave, key)
	delete(d.rules, key)
	delete(d.failures, key)
}

// complaints are the failures of services that make no sense, among those touched (nil: all).
func (d *desired) complaints(touched []kernel.ServiceKey) []sdk.Failure {
	list := slices.Clone(d.nameless)
	if len(d.failures) == 0 {
		return list
	}
	if touched == nil {
		for _, s := range d.services {
			key, _ := keyToKernel(s.Key)
			touched = append(touched, key)
		}
		slices.SortFunc(touched, compareKeys)
	}
	for _, k := range touched {
		list = append(list, d.failures[k]...)
	}
	return list
}

// name returns a service's key in the core's own spelling.
func (d *desired) name(k kernel.ServiceKey) sdk.ServiceKey {
	if s, ok := d.services[k]; ok {
		return s.Key
	}
	return keyFromKernel(k)
}

// packets are the nftables rules that the table needs.
func (d *desired) packets() nft.Rules {
	var all nft.Rules
	for _, r := range d.rules {
		all.Marks = append(all.Marks, r.Marks...)
		all.Masquerade = append(all.Masquerade, r.Masquerade...)
	}
	all.Sort()
	return all
}

// rulesOf are the nftables rules that a service needs: marks for its match blocks, masquerade for fullnat.
func rulesOf(key kernel.ServiceKey, s sdk.Service) nft.Rules {
	r := nft.Rules{Masquerade: masqueradeOf(key, s)}
	if key.Mark != 0 {
		for _, m := range s.Match {
			r.Marks = append(r.Marks, markOf(key.Mark, m)...)
		}
	}
	return r
}

func markOf(mark uint32, m sdk.Match) []nft.Mark {
	protocol, err := protocolNumber(m.Protocol)
	if err != nil {
		return nil
	}
	var list []nft.Mark
	for _, p := range m.Ports {
		list = append(list, nft.Mark{Packets: nft.Packets{Address: plain(m.Address), Protocol: uint8(protocol), First: p.First, Last: p.Last}, Mark: mark})
	}
	if len(m.Ports) == 0 {
		list = append(list, nft.Mark{Packets: nft.Packets{Address: plain(m.Address), Protocol: uint8(protocol)}, Mark: mark})
	}
	return list
}

// masqueradeOf is one rule for each real server behind fullnat: a service may have others.
func masqueradeOf(key kernel.ServiceKey, s sdk.Service) []nft.Masquerade {
	var list []nft.Masquerade
	for _, d := range s.Destinations {
		if d.Forward != sdk.FullNAT {
			continue
		}
		m := nft.Masquerade{Server: plain(d.Address), Port: d.Port, Mark: key.Mark}
		if key.Mark == 0 {
			m.Service = nft.Packets{Address: key.Address, Protocol: uint8(key.Protocol), First: key.Port, Last: key.Port}
		}
		list = append(list, m)
	}
	return list
}
