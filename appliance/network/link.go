package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// dropLinks takes away VLANs and bonds of ours that the configuration no longer has. VLANs go first: they are of bonds.
func (a *applier) dropLinks() {
	links, err := a.h.LinkList()
	if err != nil {
		a.problem("", "listing the interfaces: %v", err)
		return
	}
	for _, kind := range []string{"vlan", "bond"} {
		for _, l := range links {
			at := l.Attrs()
			if l.Type() != kind || at.Alias != alias {
				continue
			}
			wanted := slices.ContainsFunc(a.ap.Interfaces, func(i config.ApplianceInterface) bool {
				return i.Name == at.Name && (i.VLAN != nil && kind == "vlan" || i.Bond != nil && kind == "bond")
			})
			if !wanted {
				a.did(at.Name, "removed", a.h.LinkDel(l))
			}
		}
	}
}

// made makes a link with our alias on it.
func (a *applier) made(name, what string, l netlink.Link) netlink.Link {
	if !a.did(name, what, a.h.LinkAdd(l)) {
		return nil
	}
	made := a.link(name)
	if made != nil {
		if err := a.h.LinkSetAlias(made, alias); err != nil {
			a.problem(name, "marking it: %v", err)
		}
	}
	return made
}

// vlan makes a VLAN. One with another number, or of another link, is made anew: neither can be changed.
func (a *applier) vlan(i config.ApplianceInterface) {
	parent := a.link(i.VLAN.Interface)
	if parent == nil {
		a.problem(i.Name, "it is a VLAN of %s, which is not there", i.VLAN.Interface)
		return
	}
	l := a.link(i.Name)
	if l != nil {
		v, ok := l.(*netlink.Vlan)
		if !ok {
			a.problem(i.Name, "there is a %s of this name, which is no VLAN", l.Type())
			return
		}
		if v.VlanId != int(i.VLAN.ID) || v.ParentIndex != parent.Attrs().Index {
			if !a.did(i.Name, "removed, to be made anew", a.h.LinkDel(l)) {
				return
			}
			l = nil
		}
	}
	if l == nil {
		at := netlink.NewLinkAttrs()
		at.Name, at.ParentIndex = i.Name, parent.Attrs().Index
		l = a.made(i.Name, fmt.Sprintf("VLAN %d of %s", i.VLAN.ID, i.VLAN.Interface), &netlink.Vlan{LinkAttrs: at, VlanId: int(i.VLAN.ID), VlanProtocol: netlink.VLAN_PROTOCOL_8021Q})
		if l == nil {
			return
		}
	}
	a.ready(i, l)
}

// bondOptions are a bond's as the configuration says. Members are looked at for a carrier ten times a second, without which a
// bond would not notice that a cable is out.
func bondOptions(name string, o *config.Bond) *netlink.Bond {
	at := netlink.NewLinkAttrs()
	at.Name = name
	b := netlink.NewLinkBond(at)
	b.Mode, b.Miimon = netlink.StringToBondMode(o.Mode), 100
	if o.HashPolicy != "" {
		b.XmitHashPolicy = netlink.StringToBondXmitHashPolicy(o.HashPolicy)
	}
	if o.Mode == "802.3ad" {
		b.LacpRate = netlink.BOND_LACP_RATE_SLOW
		if o.LACPFast {
			b.LacpRate = netlink.BOND_LACP_RATE_FAST
		}
	}
	return b
}

// bond makes a bond and gives it its members. A bond of another mode is made anew: the mode changes only without members.
func (a *applier) bond(i config.ApplianceInterface) {
	want := bondOptions(i.Name, i.Bond)
	l := a.link(i.Name)
	if l != nil {
		have, ok := l.(*netlink.Bond)
		if !ok {
			a.problem(i.Name, "there is a %s of this name, which is no bond", l.Type())
			return
		}
		if have.Mode != want.Mode || want.LacpRate >= 0 && have.LacpRate != want.LacpRate || want.XmitHashPolicy >= 0 && have.XmitHashPolicy != want.XmitHashPolicy {
			if !a.did(i.Name, "removed, to be made anew", a.h.LinkDel(l)) {
				return
			}
			l = nil
		}
	}
	if l == nil {
		if l = a.made(i.Name, "bond "+i.Bond.Mode, want); l == nil {
			return
		}
	}
	a.members(i, l)
	a.ready(i, l)
	a.primary(i)
}

// members gives a bond the cards that it is of, and lets go of others. A card must be down to join.
func (a *applier) members(i config.ApplianceInterface, bond netlink.Link) {
	links, err := a.h.LinkList()
	if err != nil {
		a.problem(i.Name, "listing the interfaces: %v", err)
		return
	}
	index := bond.Attrs().Index
	var missing []string
	for _, name := range i.Bond.Interfaces {
		if !slices.ContainsFunc(links, func(l netlink.Link) bool { return l.Attrs().Name == name }) {
			missing = append(missing, name)
		}
	}
	for _, l := range links {
		at := l.Attrs()
		wanted := slices.Contains(i.Bond.Interfaces, at.Name)
		switch {
		case at.MasterIndex == index && !wanted:
			a.did(i.Name, at.Name+" leaves", a.h.LinkSetNoMaster(l))
		case wanted && at.MasterIndex != index:
			err := a.h.LinkSetDown(l)
			if err == nil {
				err = a.h.LinkSetMasterByIndex(l, index)
			}
			if err == nil {
				err = a.h.LinkSetUp(l)
			}
			a.did(i.Name, at.Name+" joins", err)
		}
	}
	if len(missing) > 0 {
		a.problem(i.Name, "members that are not there: %s", strings.Join(missing, ", "))
	}
}

// primary says which member an active-backup bond uses while it works. The kernel takes one only once it is a member.
func (a *applier) primary(i config.ApplianceInterface) {
	if i.Bond.Mode != "active-backup" {
		return
	}
	have, ok := a.link(i.Name).(*netlink.Bond)
	if !ok {
		return
	}
	index := 0
	if i.Bond.Primary != "" {
		l := a.link(i.Bond.Primary)
		if l == nil {
			return // said by members
		}
		index = l.Attrs().Index
	}
	if max(have.Primary, 0) == index {
		return
	}
	at := netlink.NewLinkAttrs()
	at.Name = i.Name // and no index: with both, the kernel takes it for a new name, which a link that is up refuses
	change := netlink.NewLinkBond(at)
	change.Primary = index
	a.did(i.Name, "primary "+i.Bond.Primary, a.h.LinkModify(change))
}
