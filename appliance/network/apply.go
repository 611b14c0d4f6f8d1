package network

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// A Problem says what is not as the configuration says, and why.
type Problem struct {
	Interface string // "": of the box as a whole
	Text      string
}

// String is "INTERFACE: TEXT".
func (p Problem) String() string {
	if p.Interface == "" {
		return p.Text
	}
	return p.Interface + ": " + p.Text
}

// A Result is what Apply has done.
type Result struct {
	Changes  []string  // one line each; none: everything was as it should be
	Problems []Problem // in the order of the configuration
}

// Files are where the name servers are written.
type Files struct {
	ResolvConf string // usually /run/resolv.conf, which /etc/resolv.conf points to; "": it is not written
}

// Apply makes the network of this process's namespace as the block says. leases are what DHCP servers have said, by
// interface; an interface that is to ask one and has no lease keeps the addresses it has. Of nil, what is ours goes.
func Apply(ap *config.Appliance, leases map[string]Lease, f Files) Result {
	if ap == nil {
		ap = &config.Appliance{}
	}
	h, err := netlink.NewHandle(netlink.FAMILY_ALL)
	if err != nil {
		return Result{Problems: []Problem{{Text: fmt.Sprintf("opening a netlink socket: %v", err)}}}
	}
	defer h.Close()
	a := &applier{h: h, ap: ap, leases: leases}
	a.hostname()
	a.resolver(f.ResolvConf)
	a.rename()
	a.dropLinks()
	for _, i := range ap.Interfaces {
		switch {
		case i.Bond != nil:
			a.bond(i)
		case i.VLAN == nil:
			a.card(i)
		}
	}
	for _, i := range ap.Interfaces { // of a card or a bond, which are there now
		if i.VLAN != nil {
			a.vlan(i)
		}
	}
	a.addresses()
	a.routes()
	return a.Result
}

// An applier is one run of Apply.
type applier struct {
	h      *netlink.Handle
	ap     *config.Appliance
	leases map[string]Lease
	Result
}

func (a *applier) changed(format string, args ...any) {
	a.Changes = append(a.Changes, fmt.Sprintf(format, args...))
}

func (a *applier) problem(name, format string, args ...any) {
	a.Problems = append(a.Problems, Problem{Interface: name, Text: fmt.Sprintf(format, args...)})
}

// did notes a change, or the problem that it could not be made.
func (a *applier) did(name, what string, err error) bool {
	if err != nil {
		a.problem(name, "%s: %v", what, err)
		return false
	}
	a.changed("%s: %s", name, what)
	return true
}

// link returns a link by its name; nil if there is none.
func (a *applier) link(name string) netlink.Link {
	l, err := a.h.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		a.problem(name, "looking at it: %v", err)
		return nil
	}
	return l
}

// card brings up a card that is there, and says so if none is.
func (a *applier) card(i config.ApplianceInterface) {
	l := a.link(i.Name)
	if l == nil || i.MAC != "" && hardwareAddress(l) != i.MAC {
		a.missing(i)
		return
	}
	if !a.isMember(i.Name) {
		a.ready(i, l)
	}
}

func (a *applier) missing(i config.ApplianceInterface) {
	what := "there is no such card"
	if i.MAC != "" {
		what = "no card has the hardware address " + i.MAC
	}
	cards, err := Cards()
	if err != nil {
		a.problem(i.Name, "%s", what)
		return
	}
	has := "there is no card at all"
	for n, c := range cards {
		if n == 0 {
			has = "there are "
		} else {
			has += ", "
		}
		has += fmt.Sprintf("%s (%s)", c.Name, c.MAC)
	}
	a.problem(i.Name, "%s; %s", what, has)
}

func (a *applier) isMember(name string) bool {
	return slices.ContainsFunc(a.ap.Interfaces, func(i config.ApplianceInterface) bool {
		return i.Bond != nil && slices.Contains(i.Bond.Interfaces, name)
	})
}

// ready gives a link its size and what the kernel is to do by itself, and brings it up.
func (a *applier) ready(i config.ApplianceInterface, l netlink.Link) {
	attrs := l.Attrs()
	mtu := i.MTU
	if mtu == 0 {
		mtu = a.leases[i.Name].MTU
	}
	if mtu != 0 && attrs.MTU != mtu {
		a.did(i.Name, fmt.Sprintf("mtu %d", mtu), a.h.LinkSetMTU(l, mtu))
	}
	a.parameters(i)
	if attrs.RawFlags&uint32(flagUp) == 0 {
		a.did(i.Name, "up", a.h.LinkSetUp(l))
	}
}
