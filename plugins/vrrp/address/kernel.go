package address

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// A Kernel is the running kernel's network, that of the namespace in which it was opened, through one socket. It belongs to
// one thread at a time, as do its sets.
type Kernel struct {
	conn *rtnetlink.Conn
}

// Open opens the socket.
func Open() (*Kernel, error) {
	conn, err := rtnetlink.Dial()
	if err != nil {
		return nil, err
	}
	return &Kernel{conn}, nil
}

// Close closes the socket and changes nothing.
func (k *Kernel) Close() error { return k.conn.Close() }

// snapshot is what the kernel has. What was not asked for is empty.
type snapshot struct {
	addresses []rtnetlink.Address
	routes    []rtnetlink.Route
}

// read reads the addresses of both families; routes, if any, are asked for one by one with routesLike.
func (k *Kernel) read() (snapshot, error) {
	addresses, err := k.conn.Addresses(unix.AF_UNSPEC)
	if err != nil {
		return snapshot{}, fmt.Errorf("read the interfaces' addresses: %w", err)
	}
	return snapshot{addresses: addresses}, nil
}

// readRoutes adds a table's routes of a family, whoever made them.
func (k *Kernel) readRoutes(s *snapshot, family uint8, table uint32) error {
	routes, err := k.conn.Routes(family, 0, table)
	if err != nil {
		return fmt.Errorf("read the routes of table %d: %w", table, err)
	}
	s.routes = append(s.routes, routes...)
	return nil
}

// Sweep removes what bears our mark and is in none of the sets: what a predecessor held and the configuration no longer
// names. With no set it removes all that is ours.
func (k *Kernel) Sweep(keep ...*Set) []Change {
	fail := func(what string, err error) []Change { return []Change{{Action: Removed, What: what, Err: err}} }
	have, err := k.read()
	if err != nil {
		return fail("what is left of an earlier run", err)
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		routes, err := k.conn.Routes(family, Mark, 0)
		if err != nil {
			return fail("the routes that are left of an earlier run", err)
		}
		have.routes = append(have.routes, routes...)
	}
	links, err := k.conn.Links()
	if err != nil {
		return fail("what is left of an earlier run", fmt.Errorf("read the interfaces: %w", err))
	}
	names := make(map[int]string)
	for _, l := range links {
		names[l.Index] = l.Name
	}
	for _, s := range keep {
		s.resolve()
	}
	kept := func(same func(*item) bool) bool {
		for _, s := range keep {
			for i := range s.items {
				if same(&s.items[i]) {
					return true
				}
			}
		}
		return false
	}

	var batch rtnetlink.Batch
	var changes []Change
	for _, r := range have.routes {
		if kept(func(i *item) bool { return i.isRoute(r) }) {
			continue
		}
		what := Route{Destination: r.Destination, Via: r.Gateway, Interface: names[r.Index], Table: r.Table}
		batch.Append(r.Delete())
		changes = append(changes, Change{Action: Removed, What: what.String()})
	}
	for _, a := range have.addresses {
		if a.Protocol != Mark || kept(func(i *item) bool { return i.isAddress(a) }) {
			continue
		}
		what := &Address{Prefix: a.Local, Interface: names[a.Index], Peer: a.Peer}
		batch.Append(a.Delete())
		changes = append(changes, Change{Action: Removed, What: what.String(), Address: what})
	}
	_ = k.conn.Execute(&batch) // what it says is in the answers
	return settled(changes, &batch)
}

// settled puts a batch's answers to the changes that it made, and leaves out those of things that were gone already.
func settled(changes []Change, batch *rtnetlink.Batch) []Change {
	kept := changes[:0]
	for i, c := range changes {
		if c.Err = batch.Answer(i); !gone(c.Err) {
			kept = append(kept, c)
		}
	}
	return kept
}
