package network

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Card is a network card: an interface that is no VLAN, bond or other thing that software makes.
type Card struct {
	Name    string
	MAC     string // the permanent hardware address, "52:54:00:12:34:56"
	Driver  string // "" where the kernel does not say
	Up      bool   // is administratively up; a card that is down sees no cable
	Carrier bool   // a cable is plugged in, and there is somebody at the other end
	Speed   int    // megabits per second; 0: not known
}

// Cards are the cards of this machine, in the order in which the kernel has found them.
func Cards() ([]Card, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("listing the network cards: %w", err)
	}
	slices.SortFunc(links, func(a, b netlink.Link) int { return cmp.Compare(a.Attrs().Index, b.Attrs().Index) })
	var cards []Card
	for _, l := range links {
		if !isCard(l) {
			continue
		}
		at := l.Attrs()
		c := Card{Name: at.Name, MAC: hardwareAddress(l), Up: at.RawFlags&unix.IFF_UP != 0, Carrier: at.RawFlags&unix.IFF_LOWER_UP != 0}
		sys := filepath.Join("/sys/class/net", at.Name)
		if driver, err := os.Readlink(filepath.Join(sys, "device/driver")); err == nil {
			c.Driver = filepath.Base(driver)
		}
		if b, err := os.ReadFile(filepath.Join(sys, "speed")); err == nil { // EINVAL while there is no carrier
			_, _ = fmt.Sscan(string(b), &c.Speed)
			c.Speed = max(c.Speed, 0) // -1: the driver does not know
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// BringUp brings every card up, so that a plugged cable is seen; the wizard needs it before there is a configuration.
func BringUp() error {
	cards, err := Cards()
	if err != nil {
		return err
	}
	for _, c := range cards {
		if c.Up {
			continue
		}
		l, err := netlink.LinkByName(c.Name)
		if err == nil {
			err = netlink.LinkSetUp(l)
		}
		if err != nil {
			return fmt.Errorf("bringing %s up: %w", c.Name, err)
		}
	}
	return nil
}

// softwareKinds are links that the kernel makes of others; they may have the hardware address of one of these.
var softwareKinds = []string{"vlan", "bond", "team", "macvlan", "macvtap", "ipvlan", "ipvtap", "bridge", "vrf", "vxlan", "ifb"}

func isCard(l netlink.Link) bool {
	at := l.Attrs()
	return at.EncapType == "ether" && !slices.Contains(softwareKinds, l.Type())
}

// hardwareAddress is a card's permanent address. A member of a bond has the bond's for the time being, and a card of software
// (veth) none but the one it has.
func hardwareAddress(l netlink.Link) string {
	at := l.Attrs()
	if s, ok := at.Slave.(*netlink.BondSlave); ok && !isZero(s.PermHardwareAddr) {
		return s.PermHardwareAddr.String()
	}
	if !isZero(at.PermHWAddr) {
		return at.PermHWAddr.String()
	}
	return at.HardwareAddr.String()
}

func isZero(a net.HardwareAddr) bool {
	return !slices.ContainsFunc(a, func(b byte) bool { return b != 0 })
}

// rename gives cards the names that the configuration has for their addresses. A card that has a name of another one gets out
// of its way first.
func (a *applier) rename() {
	wanted := map[string]string{} // name by hardware address
	for _, i := range a.ap.Interfaces {
		if i.MAC != "" {
			wanted[i.MAC] = i.Name
		}
	}
	if len(wanted) == 0 {
		return
	}
	links, err := a.h.LinkList()
	if err != nil {
		a.problem("", "listing the network cards: %v", err)
		return
	}
	owners := map[string]netlink.Link{} // by hardware address
	for _, l := range links {
		mac := hardwareAddress(l)
		if !isCard(l) || wanted[mac] == "" {
			continue
		}
		if other := owners[mac]; other != nil {
			a.problem(wanted[mac], "%s and %s both have the hardware address %s", other.Attrs().Name, l.Attrs().Name, mac)
			delete(wanted, mac)
			continue
		}
		owners[mac] = l
	}
	var late []netlink.Link
	for _, l := range links {
		mac, name := hardwareAddress(l), l.Attrs().Name
		i := slices.IndexFunc(links, func(o netlink.Link) bool {
			om := hardwareAddress(o)
			return isCard(o) && owners[om] == o && wanted[om] == name && o != l
		})
		mine := isCard(l) && owners[mac] == l && wanted[mac] != "" && wanted[mac] != name
		if i >= 0 { // its name is another card's
			a.setName(l, fmt.Sprintf("was-%s", strings.TrimPrefix(name, "was-")), true)
		}
		if mine {
			late = append(late, l)
		}
	}
	for _, l := range late {
		a.setName(l, wanted[hardwareAddress(l)], false)
	}
}

// setName renames a link, which must be down for it before Linux 6.2. It comes up again as it was.
func (a *applier) setName(l netlink.Link, name string, aside bool) {
	at := l.Attrs()
	up := at.RawFlags&unix.IFF_UP != 0
	if len(name) > 15 {
		name = fmt.Sprintf("card%d", at.Index)
	}
	if up {
		if err := a.h.LinkSetDown(l); err != nil {
			a.problem(name, "taking %s down to rename it: %v", at.Name, err)
			return
		}
	}
	err := a.h.LinkSetName(l, name)
	if a.did(name, fmt.Sprintf("renamed from %s", at.Name), err) {
		at.Name = name
	}
	if up && !aside {
		if err := a.h.LinkSetUp(l); err != nil {
			a.problem(name, "bringing it up again: %v", err)
		}
	}
}
