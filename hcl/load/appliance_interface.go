package load

import (
	"math"
	"net"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// A wiring is what the interface blocks of the appliance block say together.
type wiring struct {
	blocks   map[string]schema.Block // by name
	owners   map[netip.Addr]string
	cards    map[string]string // names, by MAC
	members  map[string]string // bonds, by member
	defaults map[bool]config.Position
	uses     []use
}

// A use is where an interface names another one.
type use struct {
	name string
	at   hcl.Range
	bond bool
}

func (l *loader) applianceInterfaces(ap *config.Appliance, body *schema.Content) {
	w := &wiring{
		blocks: map[string]schema.Block{}, owners: map[netip.Addr]string{}, cards: map[string]string{},
		members: map[string]string{}, defaults: map[bool]config.Position{},
	}
	for _, b := range body.Of("interface") {
		ap.Interfaces = append(ap.Interfaces, l.applianceInterface(w, b))
	}
	for _, i := range ap.Interfaces {
		bond, ok := w.members[i.Name]
		if ok && (len(i.Addresses) > 0 || i.DHCP || i.AcceptRA) {
			l.r.Errorf(w.blocks[i.Name].LabelRange(0), "Member with addresses", "%s is a member of %s: its addresses belong there.", i.Name, bond)
		}
	}
	for _, u := range w.uses {
		l.checkUse(ap, u)
	}
}

// checkUse reports an interface on itself, by way of others or not, and a bond of something that is no card.
func (l *loader) checkUse(ap *config.Appliance, u use) {
	i := slices.IndexFunc(ap.Interfaces, func(i config.ApplianceInterface) bool { return i.Name == u.name })
	if i < 0 {
		return // a card that has the name already
	}
	switch on := ap.Interfaces[i]; {
	case u.bond && (on.VLAN != nil || on.Bond != nil):
		l.r.Errorf(u.at, "Wrong member", "%s is no card, and the members of a bond are cards.", u.name)
	case !u.bond && on.VLAN != nil:
		l.r.Errorf(u.at, "VLAN of a VLAN", "%s is a VLAN itself, and a VLAN is of a card or a bond.", u.name)
	}
}

func (l *loader) applianceInterface(w *wiring, b schema.Block) config.ApplianceInterface {
	i := config.ApplianceInterface{Name: b.Labels[0], Position: position(b)}
	l.checkInterface(i.Name, b.LabelRange(0))
	if other, ok := w.blocks[i.Name]; ok {
		l.r.Errorf(b.LabelRange(0), "Duplicate interface", "The first is at %s: put all its addresses there.", place(other.Range()))
	}
	w.blocks[i.Name] = b
	if i.Name == "lo" {
		l.r.Errorf(b.LabelRange(0), "Wrong interface", "lo is the kernel's own: it is up, and has its addresses.")
	}
	c := l.r.Read(b.Body(), applianceInterfaceShape)
	l.card(w, &i, c.Attr("mac"))
	if n, ok := l.r.Int(c.Attr("mtu"), 576, 65535); ok { // 576: what every IPv4 host takes, RFC 791 section 3.1
		i.MTU = int(n)
	}
	if on, ok := l.r.Bool(c.Attr("dhcp")); ok {
		i.DHCP = on
	}
	i.AcceptRA = i.DHCP
	if on, ok := l.r.Bool(c.Attr("accept_ra")); ok {
		i.AcceptRA = on
	}
	l.texts(c.Attr("addresses"), func(text string, e schema.Element) {
		p, ok := l.prefix(text, e.Range)
		if !ok {
			return
		}
		if p.Bits() == 0 || p.Addr().IsUnspecified() || p.Addr().IsMulticast() {
			l.r.Errorf(e.Range, "Wrong address", "%s is not an address that an interface can have: write one as in \"192.0.2.11/24\".", p)
			return
		}
		if owner, taken := w.owners[p.Addr()]; taken {
			l.r.Errorf(e.Range, "Duplicate address", "%s is %s's already.", p.Addr(), owner)
		}
		w.owners[p.Addr()] = i.Name
		i.Addresses = append(i.Addresses, p)
	})
	if a := c.Attr("gateway"); a.Written() {
		l.gateway(w, &i, a)
	}
	for _, b := range c.Of("route") {
		l.applianceRoute(w, &i, b)
	}
	vlans, bonds := c.Of("vlan"), c.Of("bond")
	l.onlyOne(vlans)
	l.onlyOne(bonds)
	if len(vlans) > 0 {
		l.vlan(w, &i, vlans[0])
	}
	if len(bonds) > 0 {
		l.bond(w, &i, bonds[0])
	}
	if len(vlans) > 0 && len(bonds) > 0 {
		l.r.Errorf(bonds[0].Range(), "VLAN and bond", "An interface is one of them: make a bond of its own, and the VLAN on it.")
	}
	if a := c.Attr("mac"); a.Written() && (len(vlans) > 0 || len(bonds) > 0) {
		l.r.Errorf(a.NameRange(), "No card", "mac says which card gets the name, and this interface is none: write it at the card's own block.")
	}
	return i
}

// card reads the permanent hardware address of the card that gets a name.
func (l *loader) card(w *wiring, i *config.ApplianceInterface, a schema.Attr) {
	s, ok := l.r.String(a)
	if !ok {
		return
	}
	mac, err := net.ParseMAC(s)
	if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
		l.r.Errorf(a.Expr.Range(), "Wrong MAC", "%q is no card's hardware address: write one as in \"52:54:00:12:34:56\".", s)
		return
	}
	i.MAC = mac.String()
	if other, taken := w.cards[i.MAC]; taken {
		l.r.Errorf(a.Expr.Range(), "Duplicate MAC", "%s is %s's already, and a card has one name.", i.MAC, other)
	}
	w.cards[i.MAC] = i.Name
}

// gateway reads an interface's gateway. It must be reachable through the interface, and there is one for each family.
func (l *loader) gateway(w *wiring, i *config.ApplianceInterface, a schema.Attr) {
	addr, ok := l.r.Address(a)
	if !ok {
		return
	}
	i.Gateway = addr
	if l.nextHop(i, addr, "gateway", a.Expr.Range()) {
		l.defaultRoute(w, i.Position, addr, a.Expr.Range())
	}
}

// defaultRoute reports a second default route of a family.
func (l *loader) defaultRoute(w *wiring, pos config.Position, via netip.Addr, at hcl.Range) {
	if other, taken := w.defaults[via.Is6()]; taken {
		l.r.Errorf(at, "Duplicate gateway", "There is one default gateway for each address family, and the first is at %s.", other)
		return
	}
	w.defaults[via.Is6()] = pos
}

// nextHop reports an address that packets can't be handed to through the interface. What a DHCP server says is not known here.
func (l *loader) nextHop(i *config.ApplianceInterface, addr netip.Addr, what string, at hcl.Range) bool {
	reachable := addr.IsLinkLocalUnicast() || addr.Is4() && i.DHCP || addr.Is6() && i.AcceptRA
	for _, p := range i.Addresses {
		if p.Addr() == addr {
			l.r.Errorf(at, "Wrong "+what, "%s is this interface's own address.", addr)
			return false
		}
		reachable = reachable || p.Contains(addr)
	}
	if !reachable {
		l.r.Errorf(at, "Gateway out of reach", "%s is in no network of %s: write an address with its prefix length, as in \"192.0.2.11/24\", whose network the gateway is in.", addr, i.Name)
	}
	return true
}

// applianceRoute decodes a route block.
func (l *loader) applianceRoute(w *wiring, i *config.ApplianceInterface, b schema.Block) {
	body := l.r.Read(b.Body(), applianceRouteShape)
	r := config.ApplianceRoute{Position: position(b)}
	p, ok := l.destination(b)
	if !ok {
		return
	}
	r.Destination = p
	if n, ok := l.r.Int(body.Attr("metric"), 1, math.MaxUint32); ok {
		r.Metric = uint32(n)
	}
	via := body.Attr("via")
	if addr, ok := l.r.Address(via); ok {
		r.Via = addr
		switch {
		case addr.Is6() != p.Addr().Is6():
			l.r.Errorf(via.Expr.Range(), "Gateway of another family", "The route to %s can't go by %s.", p, addr)
		case l.nextHop(i, addr, "gateway", via.Expr.Range()) && p.Bits() == 0 && r.Metric == 0:
			l.defaultRoute(w, r.Position, addr, via.Expr.Range())
		}
	}
	for _, other := range i.Routes {
		if other.Destination == p && other.Metric == r.Metric {
			l.r.Errorf(b.LabelRange(0), "Duplicate route", "There is a route to %s with this metric already, at %s.", p, other.Position)
		}
	}
	i.Routes = append(i.Routes, r)
}

func (l *loader) vlan(w *wiring, i *config.ApplianceInterface, b schema.Block) {
	body := l.r.Read(b.Body(), vlanShape)
	v := &config.VLAN{}
	i.VLAN = v
	v.Interface, _ = l.requiredInterface(&body, "interface")
	if a := body.Attr("interface"); a.Written() {
		w.uses = append(w.uses, use{name: v.Interface, at: a.Expr.Range()})
	}
	id := body.Attr("id")
	if !id.Written() {
		l.r.Errorf(body.Missing(), "Missing id", "A VLAN has a number: add id = 12.")
	} else if n, ok := l.r.Int(id, 1, 4094); ok {
		v.ID = uint16(n)
	}
}

// The kernel's words for the modes of a bond and for what 802.3ad and balance-xor spread connections by
// (Documentation/networking/bonding.rst).
var (
	bondModes    = []string{"active-backup", "802.3ad", "balance-xor", "balance-rr", "broadcast", "balance-tlb", "balance-alb"}
	hashPolicies = []string{"layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac"}
)

func (l *loader) bond(w *wiring, i *config.ApplianceInterface, b schema.Block) {
	body := l.r.Read(b.Body(), bondShape)
	o := &config.Bond{Mode: "active-backup"}
	i.Bond = o
	members := body.Attr("interfaces")
	if !members.Written() {
		l.r.Errorf(body.Missing(), "Missing interfaces", "A bond is of cards: add interfaces = [\"eth0\", \"eth1\"].")
	}
	l.texts(members, func(name string, e schema.Element) {
		if !l.checkInterface(name, e.Range) {
			return
		}
		if other, taken := w.members[name]; taken {
			l.r.Errorf(e.Range, "Duplicate member", "%s is a member of %s already.", name, other)
		}
		w.members[name] = i.Name
		w.uses = append(w.uses, use{name: name, at: e.Range, bond: true})
		o.Interfaces = append(o.Interfaces, name)
	})
	if word, ok := l.r.Word(body.Attr("mode"), bondModes...); ok {
		o.Mode = word
	}
	if a := body.Attr("primary"); a.Written() {
		o.Primary, _ = l.interfaceName(a)
		switch {
		case o.Mode != "active-backup":
			l.r.Errorf(a.NameRange(), "Wrong mode", "primary is of mode = \"active-backup\".")
		case !slices.Contains(o.Interfaces, o.Primary):
			l.r.Errorf(a.Expr.Range(), "Wrong primary", "%q is not among the bond's interfaces.", o.Primary)
		}
	}
	if a := body.Attr("hash_policy"); a.Written() {
		if o.HashPolicy, _ = l.r.Word(a, hashPolicies...); o.Mode != "802.3ad" && o.Mode != "balance-xor" {
			l.r.Errorf(a.NameRange(), "Wrong mode", "hash_policy is of mode = \"802.3ad\" and \"balance-xor\".")
		}
	}
	if a := body.Attr("lacp_fast"); a.Written() {
		if o.LACPFast, _ = l.r.Bool(a); o.Mode != "802.3ad" {
			l.r.Errorf(a.NameRange(), "Wrong mode", "lacp_fast is of mode = \"802.3ad\".")
		}
	}
}
