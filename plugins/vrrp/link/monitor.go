package link

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// A Monitor knows the interfaces of a network namespace. It belongs to one thread at a time.
type Monitor struct {
	changes *rtnetlink.Changes
	conn    *rtnetlink.Conn
	known   map[int]*known // by index
	events  []Event        // of the Read that goes on
	rereads int
}

// known is what is known of an interface.
type known struct {
	Link
	addresses []rtnetlink.Address // in the kernel's order, as far as changes tell it
}

// Open begins to watch, and reads how things are. The first Read tells what has changed since.
func Open() (*Monitor, error) {
	changes, err := rtnetlink.Subscribe()
	if err != nil {
		return nil, err
	}
	conn, err := rtnetlink.Dial()
	if err != nil {
		changes.Close()
		return nil, err
	}
	m := &Monitor{changes: changes, conn: conn, known: make(map[int]*known)}
	if err := m.readAll(); err != nil {
		m.Close()
		return nil, err
	}
	m.events = nil
	return m, nil
}

// FD returns the descriptor to poll for reading.
func (m *Monitor) FD() int { return m.changes.FD() }

// Close stops watching.
func (m *Monitor) Close() error { return errors.Join(m.changes.Close(), m.conn.Close()) }

// Rereads counts how often changes were lost and everything was read again.
func (m *Monitor) Rereads() int { return m.rereads }

// atOnce is how many datagrams one Read reads at most.
const atOnce = 64

// Read appends what has changed to a slice, and returns when there is no more, or much: then FD is still ready.
func (m *Monitor) Read(to []Event) ([]Event, error) {
	m.events = to
	defer func() { m.events = nil }()
	for range atOnce {
		err := m.changes.Read(m.apply)
		switch {
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return m.events, nil
		case errors.Is(err, unix.ENOBUFS):
			m.rereads++
			if err := m.readAll(); err != nil {
				return m.events, err
			}
		default:
			return m.events, fmt.Errorf("watch the interfaces: %w", err)
		}
	}
	return m.events, nil
}

// apply takes over one change. A message that cannot be read is none: the kernel does not send such.
func (m *Monitor) apply(message rtnetlink.Message) {
	switch message.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(message.Payload) == 0 || message.Payload[0] != unix.AF_UNSPEC {
			return // of a bridge's ports, or of one family's settings
		}
		l, err := rtnetlink.ParseLink(message.Payload)
		if err != nil {
			return
		}
		if message.Type == unix.RTM_DELLINK {
			m.gone(l.Index)
		} else {
			m.link(l)
		}
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		a, err := rtnetlink.ParseAddress(message.Payload)
		if err != nil {
			return
		}
		if message.Type == unix.RTM_DELADDR {
			m.removed(a)
		} else {
			m.added(a)
		}
	}
}

// readAll reads everything and takes over what is different.
func (m *Monitor) readAll() error {
	links, err := m.conn.Links()
	if err != nil {
		return fmt.Errorf("read the interfaces: %w", err)
	}
	addresses, err := m.conn.Addresses(unix.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("read the interfaces' addresses: %w", err)
	}
	for _, index := range slices.Sorted(maps.Keys(m.known)) {
		if !slices.ContainsFunc(links, func(l rtnetlink.Link) bool { return l.Index == index }) {
			m.gone(index)
		}
	}
	for _, l := range links {
		m.link(l)
	}
	for _, index := range slices.Sorted(maps.Keys(m.known)) {
		var now []rtnetlink.Address
		for _, a := range addresses {
			if a.Index == index {
				now = append(now, a)
			}
		}
		m.replace(m.known[index], now)
	}
	return nil
}

// replace takes over all addresses of an interface, in the kernel's order.
func (m *Monitor) replace(k *known, now []rtnetlink.Address) {
	was := k.addresses
	k.addresses = now
	for _, a := range was {
		if find(now, a) < 0 && usable(a) {
			m.tell(AddressRemoved, k.Link, a)
		}
	}
	for _, a := range now {
		if i := find(was, a); usable(a) && (i < 0 || !usable(was[i])) {
			m.tell(AddressAdded, k.Link, a)
		}
	}
}

// find returns where an address is in a list, or -1.
func find(list []rtnetlink.Address, a rtnetlink.Address) int {
	return slices.IndexFunc(list, func(b rtnetlink.Address) bool {
		return a.Index == b.Index && a.Local == b.Local && a.Peer == b.Peer
	})
}

func (m *Monitor) tell(kind Kind, l Link, a rtnetlink.Address) {
	m.events = append(m.events, Event{Kind: kind, Link: l, Address: a.Local})
}

func (m *Monitor) link(l rtnetlink.Link) {
	now := linkOf(l)
	k, ok := m.known[l.Index]
	if ok && k.Name != now.Name {
		// Renamed: for whoever knows it by name, one has gone and one has come.
		addresses := k.addresses
		m.gone(l.Index)
		m.known[l.Index] = &known{now, addresses}
		m.tell(Appeared, now, rtnetlink.Address{})
		return
	}
	if !ok {
		m.known[l.Index] = &known{Link: now}
		m.tell(Appeared, now, rtnetlink.Address{})
		return
	}
	was := k.Link
	k.Link = now
	if was.Hardware != now.Hardware || was.MTU != now.MTU {
		m.tell(Changed, now, rtnetlink.Address{})
	}
	switch {
	case now.Up && !was.Up:
		m.tell(Up, now, rtnetlink.Address{})
	case !now.Up && was.Up:
		m.tell(Down, now, rtnetlink.Address{})
	}
}

func (m *Monitor) gone(index int) {
	if k, ok := m.known[index]; ok {
		delete(m.known, index)
		k.Up = false
		m.tell(Gone, k.Link, rtnetlink.Address{})
	}
}

func (m *Monitor) added(a rtnetlink.Address) {
	k, ok := m.known[a.Index]
	if !ok {
		return // of an interface that is gone: what is left of it in the socket
	}
	was := false
	if i := find(k.addresses, a); i >= 0 {
		was = usable(k.addresses[i])
		k.addresses[i] = a
	} else {
		k.addresses = append(k.addresses, a)
	}
	if usable(a) && !was {
		m.tell(AddressAdded, k.Link, a)
	}
}

func (m *Monitor) removed(a rtnetlink.Address) {
	k, ok := m.known[a.Index]
	if !ok {
		return
	}
	if i := find(k.addresses, a); i >= 0 {
		was := usable(k.addresses[i])
		k.addresses = slices.Delete(k.addresses, i, i+1)
		if was {
			m.tell(AddressRemoved, k.Link, a)
		}
	}
}

// usable says whether an address has passed duplicate address detection.
func usable(a rtnetlink.Address) bool {
	return a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 || a.Flags&unix.IFA_F_OPTIMISTIC != 0
}
