package address

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// Sync makes the kernel hold all of the set: it reads what there is, and writes only what is missing or not as it should be.
// That an address is there is said once, when the set has not known it yet.
func (s *Set) Sync() []Change {
	s.resolve()
	s.settle()
	return s.report()
}

// Held counts the set's addresses and routes that are in the kernel with our mark, out of how many: what a process that
// begins finds of its predecessor's. It changes nothing.
func (s *Set) Held() (held, of int, err error) {
	s.resolve()
	have, err := s.read()
	if err != nil {
		return 0, len(s.items), err
	}
	for i := range s.items {
		it := &s.items[i]
		if it.missing() != nil {
			continue
		}
		if a, r := it.find(have); a != nil && a.Protocol == Mark && a.Local == it.address.Prefix || r != nil && r.Protocol == Mark {
			held++
		}
	}
	return held, len(s.items), nil
}

// read reads what can concern the set.
func (s *Set) read() (snapshot, error) {
	have, err := s.kernel.read()
	if err != nil {
		return snapshot{}, err
	}
	type table struct {
		family uint8
		number uint32
	}
	seen := make(map[table]bool)
	for i := range s.items {
		r := s.items[i].route
		if r == nil {
			continue
		}
		t := table{unix.AF_INET6, r.kernel(0).Table}
		if r.Destination.Addr().Is4() {
			t.family = unix.AF_INET
		}
		if seen[t] {
			continue
		}
		seen[t] = true
		if err := s.kernel.readRoutes(&have, t.family, t.number); err != nil {
			return snapshot{}, err
		}
	}
	return have, nil
}

// settle brings about every item that has nothing to report yet.
func (s *Set) settle() {
	have, err := s.read()
	s.batch.Reset()
	for i := range s.items {
		it := &s.items[i]
		it.place = -1 // of Add's batch
		if it.done {
			continue
		}
		if err != nil {
			it.did(Added, err)
			continue
		}
		if missing := it.missing(); missing != nil {
			it.did(Added, missing)
			continue
		}
		s.compare(it, have)
	}
	_ = s.kernel.conn.Execute(&s.batch)
	for i := range s.items {
		if it := &s.items[i]; it.place >= 0 {
			it.did(it.action, s.batch.Answer(it.place))
		}
	}
}

// compare appends to the batch what is to be done about an item.
func (s *Set) compare(it *item, have snapshot) {
	a, r := it.find(have)
	switch {
	case a == nil && r == nil:
		it.action, it.place = Added, s.batch.Append(it.create)
	case r != nil:
		s.compareRoute(it, *r)
	default:
		s.compareAddress(it, *a)
	}
}

func (s *Set) compareAddress(it *item, a rtnetlink.Address) {
	want := it.address.kernel()
	want.Index = a.Index
	ours := it.held || a.Protocol == Mark
	flags := (a.Flags ^ want.Flags) & unix.IFA_F_NOPREFIXROUTE
	switch {
	case a.Local != want.Local, a.Label != want.Label, flags != 0, a.Flags&unix.IFA_F_DADFAILED != 0:
		// What the kernel does not change in place, for one family or both.
		if !it.port.promote.Zero() {
			it.port.promote.SetIndex(it.port.index)
			s.batch.Append(it.port.promote)
		}
		s.batch.Append(a.Delete())
		it.action, it.place = Changed, s.batch.Append(it.create)
	case a.Metric != want.Metric, a.Deprecated != want.Deprecated, !ours:
		it.action, it.place = Changed, s.batch.Append(want.Add(rtnetlink.Replace))
	case !it.held:
		it.did(Adopted, nil)
	}
	if it.place >= 0 && !ours {
		it.action = Taken
	}
}

func (s *Set) compareRoute(it *item, r rtnetlink.Route) {
	ours := it.held || r.Protocol == Mark
	same := it.isRoute(r)
	asShould := same && r.Source == it.route.Source
	switch {
	case !ours && !same:
		// Unlike another's address, another's route is as a rule something else.
		it.did(Added, fmt.Errorf("there is another route to %s with the same metric, of protocol %d", r.Destination, r.Protocol))
	case !ours, !asShould:
		s.batch.Append(r.Delete())
		it.action, it.place = Changed, s.batch.Append(it.create)
	case !it.held:
		it.did(Adopted, nil)
	}
	if it.place >= 0 && !ours {
		it.action = Taken
	}
}

// find returns what the kernel has in an item's place: there is room for one only.
func (i *item) find(have snapshot) (*rtnetlink.Address, *rtnetlink.Route) {
	if i.route != nil {
		want := i.route.kernel(0)
		for n, r := range have.routes {
			if r.Destination == want.Destination && r.Metric == want.Metric && r.Table == want.Table && r.Type == unix.RTN_UNICAST {
				return nil, &have.routes[n]
			}
		}
		return nil, nil
	}
	for n, a := range have.addresses {
		if i.isAddress(a) || a.Index == i.port.index && a.Local.Addr().Is6() && a.Local.Addr() == i.address.Prefix.Addr() {
			return &have.addresses[n], nil
		}
	}
	return nil, nil
}

// isAddress says whether an address of the kernel's is the item.
func (i *item) isAddress(a rtnetlink.Address) bool {
	return i.address != nil && i.port.err == nil && a.Index == i.port.index && a.Local == i.address.Prefix && a.Peer == i.address.Peer
}

// isRoute says whether a route of the kernel's is the item.
func (i *item) isRoute(r rtnetlink.Route) bool {
	if i.route == nil || i.port != nil && (i.port.err != nil || r.Index != i.port.index) {
		return false
	}
	want := i.route.kernel(0)
	return r.Destination == want.Destination && r.Gateway == want.Gateway && r.Metric == want.Metric && r.Table == want.Table
}
