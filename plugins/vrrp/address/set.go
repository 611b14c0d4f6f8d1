package address

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// A Set is the addresses and routes that belong together: of one instance. What it returns is good until its next call.
type Set struct {
	kernel  *Kernel
	items   []item // addresses, then routes: a route may need an address
	ports   []*port
	batch   rtnetlink.Batch
	changes []Change
}

// A port is an interface by its name.
type port struct {
	request *unix.Ifreq
	missing error // says that the interface does not exist
	index   int
	err     error
	promote rtnetlink.Request // net.ipv4.conf.INTERFACE.promote_secondaries = 1, where there are IPv4 addresses
}

// An item is an address or a route, with what is said to the kernel about it.
type item struct {
	what    string
	address *Address // or nil
	route   *Route   // or nil
	port    *port    // nil: a route that names no interface
	create  rtnetlink.Request
	delete  rtnetlink.Request
	held    bool // it was made or adopted by this set
	place   int  // of its request in the batch; -1: none
	action  Action
	done    bool // there is something to report
	err     error
}

// NewSet prepares a set, and changes nothing. The error says which of the addresses or routes cannot be.
func (k *Kernel) NewSet(addresses []Address, routes []Route) (*Set, error) {
	s := &Set{kernel: k}
	for _, a := range addresses {
		if err := a.Check(); err != nil {
			return nil, err
		}
		p, err := s.port(a.Interface)
		if err != nil {
			return nil, err
		}
		if a.Prefix.Addr().Is4() && p.promote.Zero() {
			p.promote = rtnetlink.SetOf(rtnetlink.Value{Setting: rtnetlink.PromoteSecondaries, Value: 1})
		}
		want := a.kernel()
		i := item{what: a.String(), address: &a, port: p, create: want.Add(rtnetlink.Create), delete: want.Delete()}
		if s.has(&i) {
			return nil, fmt.Errorf("%s is there twice", i.what)
		}
		s.items = append(s.items, i)
	}
	for _, r := range routes {
		if err := r.Check(); err != nil {
			return nil, err
		}
		i := item{what: r.String(), route: &r}
		index := 0
		if r.Interface != "" {
			p, err := s.port(r.Interface)
			if err != nil {
				return nil, err
			}
			i.port, index = p, 1 // a place for the index
		}
		want := r.kernel(index)
		i.create, i.delete = want.Add(rtnetlink.Create), want.Delete()
		if s.has(&i) {
			return nil, fmt.Errorf("%s is there twice", i.what)
		}
		s.items = append(s.items, i)
	}
	s.makeRoom()
	return s, nil
}

func (s *Set) port(name string) (*port, error) {
	for _, p := range s.ports {
		if p.request.Name() == name {
			return p, nil
		}
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no interface's name: %w", name, err)
	}
	p := &port{request: request, missing: fmt.Errorf("interface %s does not exist", name)}
	s.ports = append(s.ports, p)
	return p, nil
}

// makeRoom has Add and Remove allocate nothing later.
func (s *Set) makeRoom() {
	var requests []rtnetlink.Request
	for i := range s.items {
		requests = append(requests, s.items[i].create)
	}
	for _, p := range s.ports {
		requests = append(requests, p.promote)
	}
	s.batch.Grow(requests...)
	s.changes = make([]Change, 0, len(requests))
}

// resolve finds the interfaces' indexes, anew each time: an interface that was deleted and made again has another, and one
// that was renamed is not the one that was meant. It forgets the last call's outcome.
func (s *Set) resolve() {
	for _, p := range s.ports {
		p.index, p.err = s.kernel.conn.Index(p.request)
		if errors.Is(p.err, unix.ENODEV) {
			p.err = p.missing
		}
	}
	for i := range s.items {
		it := &s.items[i]
		it.place, it.done, it.err = -1, false, nil
		if it.port != nil && it.port.err == nil {
			it.create.SetIndex(it.port.index)
			it.delete.SetIndex(it.port.index)
		}
	}
	s.batch.Reset()
}

// missing returns why an item cannot be in the kernel: its interface does not exist.
func (i *item) missing() error {
	if i.port == nil {
		return nil
	}
	return i.port.err
}

// report returns what was done since resolve.
func (s *Set) report() []Change {
	s.changes = s.changes[:0]
	for i := range s.items {
		if it := &s.items[i]; it.done {
			s.changes = append(s.changes, Change{Action: it.action, What: it.what, Address: it.address, Err: it.err})
		}
	}
	return s.changes
}

func (i *item) did(action Action, err error) {
	i.action, i.err, i.done = action, err, true
	i.held = err == nil && action != Removed
}

// Add puts all of the set into the kernel, without looking first: what is there already is adopted.
func (s *Set) Add() []Change {
	s.resolve()
	for i := range s.items {
		it := &s.items[i]
		if err := it.missing(); err != nil {
			it.did(Added, err)
			continue
		}
		it.place = s.batch.Append(it.create)
	}
	_ = s.kernel.conn.Execute(&s.batch) // what it says is in the answers
	exists := false
	for i := range s.items {
		it := &s.items[i]
		if it.place < 0 {
			continue
		}
		if err := s.batch.Answer(it.place); errors.Is(err, unix.EEXIST) {
			exists = true
		} else {
			it.did(Added, err)
		}
	}
	if exists {
		s.settle()
	}
	return s.report()
}

// Remove takes all of the set out of the kernel, whoever put it there. What is not there is no change.
func (s *Set) Remove() []Change { return s.RemoveExcept() }

// RemoveExcept is Remove for what is in none of the other sets: for a new configuration, when these are in place. A set that
// is nil is empty, and this one itself is no other.
func (s *Set) RemoveExcept(others ...*Set) []Change {
	s.resolve()
	elsewhere := func(it *item) bool {
		return slices.ContainsFunc(others, func(o *Set) bool { return o != s && o.has(it) })
	}
	for _, p := range s.ports {
		if p.err == nil && !p.promote.Zero() {
			p.promote.SetIndex(p.index)
			s.batch.Append(p.promote)
		}
	}
	// Backwards: routes before the addresses that they need, secondary addresses before their primary one.
	for i := len(s.items) - 1; i >= 0; i-- {
		it := &s.items[i]
		if it.missing() == nil && !elsewhere(it) {
			it.place = s.batch.Append(it.delete)
		}
	}
	_ = s.kernel.conn.Execute(&s.batch)
	for i := range s.items {
		it := &s.items[i]
		if it.place < 0 {
			it.held = it.held && elsewhere(it)
			continue
		}
		if err := s.batch.Answer(it.place); gone(err) {
			it.held = false
		} else {
			it.did(Removed, err)
		}
	}
	return s.report()
}

// gone says whether an error of a deletion is that there was nothing to delete.
func gone(err error) bool {
	return errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT)
}

// has says whether a set has the same thing, which is not there twice in a kernel.
func (s *Set) has(i *item) bool {
	if s == nil {
		return false
	}
	for j := range s.items {
		if o := &s.items[j]; o.same(i) {
			return true
		}
	}
	return false
}

func (i *item) same(o *item) bool {
	if i.address != nil && o.address != nil {
		return i.address.Prefix == o.address.Prefix && i.address.Interface == o.address.Interface && i.address.Peer == o.address.Peer
	}
	return i.route != nil && o.route != nil && i.route.kernel(0) == o.route.kernel(0) && i.route.Interface == o.route.Interface
}
