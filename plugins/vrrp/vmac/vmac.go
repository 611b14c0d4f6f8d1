// Package vmac gives a virtual router its own hardware address, 00:00:5e:00:01:VRID for IPv4 and 00:00:5e:00:02:VRID for IPv6
// (RFC 9568 section 7.3), on an interface of its own: a macvlan over the real one, "vrrp.51". The virtual addresses live on
// it, and keep their hardware address when another router takes over, so that no neighbour's cache must change.
//
// # How the kernel is told
//
// A macvlan shares the real interface's wire and takes the frames sent to its own hardware address. In private mode two of
// them over one interface do not hear each other. Both interfaces hear an ARP request, though, and Linux by default answers
// on whichever interface hears one for any address that it has. So, by settings of net.ipv4.conf:
//
//   - arp_ignore = 1 on both: each answers for its own addresses only. The real interface would otherwise answer for the
//     virtual address with its own hardware address.
//   - arp_announce = 2 on the real one: when the machine answers from the virtual address and must first ask by ARP where the
//     client is, it asks by the real interface, and by default with the virtual address as sender: the client then had it at
//     the real interface's hardware address.
//   - arp_filter = 0 on the macvlan: it answers although the route back to the one who asks is the real interface's.
//   - rp_filter on the macvlan is 0, or 2 where net.ipv4.conf.all.rp_filter is not 0 (the larger of the two counts, and 2
//     asks only that there is some route back): what arrives there came from a network that is reached through the real one.
//   - accept_local = 1 on the macvlan: the machine's other addresses on the same wire may talk to the virtual one.
//
// The macvlan makes no IPv6 link-local address of its own, which would be the same on both routers. The real
// interface's settings stay as they are when the macvlan is removed: others may need them.
//
// Reports of multicast membership leave the macvlan with the real interface's hardware address, by a small nftables table:
// otherwise a router that is no longer master would draw the virtual hardware address to its port once more (membership.go).
//
// A virtual address with a prefix, 192.0.2.1/24, brings a second route to 192.0.2.0/24, by the macvlan. [Metric] for that
// route (address.Address.Metric) has the real interface's stay the better one, and the machine still reaches the network when
// the virtual address is the only one it has there.
package vmac

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// Metric is for the routes that come with addresses on the macvlan.
const Metric = 4096

// Hardware returns the virtual router's hardware address.
func Hardware(id uint8, v6 bool) rtnetlink.HardwareAddress {
	if v6 {
		return rtnetlink.HardwareAddress{0x00, 0x00, 0x5e, 0x00, 0x02, id}
	}
	return rtnetlink.HardwareAddress{0x00, 0x00, 0x5e, 0x00, 0x01, id}
}

// A Router is a virtual router with a hardware address of its own.
type Router struct {
	ID   uint8
	V6   bool
	Over string // the real interface
	Name string // of the macvlan; "": Name(ID, V6)
}

// Name is what the macvlan of a virtual router is called unless asked otherwise: "vrrp.51", "vrrp6.51".
func Name(id uint8, v6 bool) string {
	if v6 {
		return fmt.Sprintf("vrrp6.%d", id)
	}
	return fmt.Sprintf("vrrp.%d", id)
}

// Interface returns the macvlan's name.
func (r Router) Interface() string {
	if r.Name != "" {
		return r.Name
	}
	return Name(r.ID, r.V6)
}

// alias is what our macvlans bear as their alias, by which a successor knows them.
const alias = "evenkeel: virtual router"

// A Kernel is the kernel's interfaces, those of the namespace in which it was opened. It belongs to one thread at a time, whose
// namespace must be the same: the tables of nftables are looked for there.
type Kernel struct {
	conn *rtnetlink.Conn
}

// Open opens a socket.
func Open() (*Kernel, error) {
	conn, err := rtnetlink.Dial()
	if err != nil {
		return nil, err
	}
	return &Kernel{conn}, nil
}

// Close closes the socket and changes nothing.
func (k *Kernel) Close() error { return k.conn.Close() }

// Ensure makes the macvlan of a virtual router, with its settings, and sets it up; one that is there, over the same interface
// and with the same hardware address, is adopted. An interface of the same name that is anything else is an error, and is
// left alone, unless it is an earlier one of ours: so two virtual routers must not have one name, which two of the same number
// over two interfaces have unless they are given others. created says whether there was none.
func (k *Kernel) Ensure(r Router) (created bool, err error) {
	fail := func(err error) (bool, error) {
		return created, fmt.Errorf("virtual MAC interface %s over %s: %w", r.Interface(), r.Over, err)
	}
	links, err := k.links()
	if err != nil {
		return fail(err)
	}
	over, ok := links[r.Over]
	if !ok {
		return fail(fmt.Errorf("interface %s does not exist", r.Over))
	}
	want := rtnetlink.Link{
		Name: r.Interface(), Parent: over.Index, Hardware: Hardware(r.ID, r.V6),
		Kind: "macvlan", Mode: rtnetlink.MacvlanPrivate,
	}
	have, exists := links[want.Name]
	same := exists && have.Parent == want.Parent && have.Hardware == want.Hardware && have.Kind == want.Kind && have.Mode == want.Mode
	var batch rtnetlink.Batch
	switch {
	case exists && !same && have.Alias != alias:
		return fail(errors.New("an interface of this name exists, and is not such a one"))
	case exists && !same:
		batch.Append(rtnetlink.DeleteLink(have.Index))
	}
	created = !same
	if created {
		batch.Append(rtnetlink.AddMacvlan(want))
		batch.Append(rtnetlink.WithoutLinkLocal(want.Name)) // before it is up
	}
	rpFilter, err := k.rpFilter()
	if err != nil {
		return fail(err)
	}
	if created || have.Alias != alias {
		batch.Append(rtnetlink.SetAlias(want.Name, alias))
	}
	batch.Append(rtnetlink.Set(want.Name,
		rtnetlink.Value{Setting: rtnetlink.ARPIgnore, Value: 1},
		rtnetlink.Value{Setting: rtnetlink.ARPFilter, Value: 0},
		rtnetlink.Value{Setting: rtnetlink.RPFilter, Value: rpFilter},
		rtnetlink.Value{Setting: rtnetlink.AcceptLocal, Value: 1},
	))
	batch.Append(rtnetlink.Set(r.Over,
		rtnetlink.Value{Setting: rtnetlink.ARPIgnore, Value: 1},
		rtnetlink.Value{Setting: rtnetlink.ARPAnnounce, Value: 2},
	))
	if err := k.execute(&batch); err != nil {
		return fail(err)
	}
	if created || !reports(want.Name) { // nftables takes 10 ms to replace one
		if err := report(want.Name, over.Hardware); err != nil && !unsupported(err) {
			return fail(err)
		}
	}
	if created || have.Flags&unix.IFF_UP == 0 {
		batch.Reset()
		batch.Append(rtnetlink.SetUp(want.Name))
		if err := k.execute(&batch); err != nil {
			return fail(err)
		}
	}
	return created, nil
}

// rpFilter returns what the macvlan's rp_filter must be.
func (k *Kernel) rpFilter() (uint32, error) {
	all, err := k.conn.Configuration(unix.AF_INET, rtnetlink.Everywhere)
	if err != nil {
		return 0, fmt.Errorf("read net.ipv4.conf.all: %w", err)
	}
	const off, loose = 0, 2
	if all.RPFilter == off {
		return off, nil
	}
	return loose, nil
}

func (k *Kernel) execute(batch *rtnetlink.Batch) error {
	if err := k.conn.Execute(batch); err != nil {
		return err
	}
	for i := range batch.Len() {
		if err := batch.Answer(i); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes the macvlan of a virtual router, and its addresses with it. One that is not there, or not ours, is left.
func (k *Kernel) Remove(r Router) (removed bool, err error) {
	links, err := k.links()
	if err != nil {
		return false, err
	}
	have, ok := links[r.Interface()]
	if !ok || have.Alias != alias {
		return false, nil
	}
	return true, k.delete(have)
}

// Sweep deletes those of our macvlans that none of the virtual routers has: what an earlier process left. It returns their
// names.
func (k *Kernel) Sweep(keep ...Router) (removed []string, err error) {
	links, err := k.links()
	if err != nil {
		return nil, err
	}
	for _, r := range keep {
		delete(links, r.Interface())
	}
	var failed []error
	for name, l := range links {
		if l.Alias != alias {
			continue
		}
		if err := k.delete(l); err != nil {
			failed = append(failed, err)
			continue
		}
		removed = append(removed, name)
	}
	return removed, errors.Join(failed...)
}

func (k *Kernel) delete(l rtnetlink.Link) error {
	var batch rtnetlink.Batch
	batch.Append(rtnetlink.DeleteLink(l.Index))
	if err := k.execute(&batch); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete virtual MAC interface %s: %w", l.Name, err)
	}
	forget(l.Name)
	return nil
}

func (k *Kernel) links() (map[string]rtnetlink.Link, error) {
	all, err := k.conn.Links()
	if err != nil {
		return nil, fmt.Errorf("read the interfaces: %w", err)
	}
	byName := make(map[string]rtnetlink.Link, len(all))
	for _, l := range all {
		byName[l.Name] = l
	}
	return byName, nil
}
