package load

import (
	"net/netip"
	"strings"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// isHostName says whether a text is a host's name by RFC 1123 section 2.1.
func isHostName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, c := range []byte(label) {
			if !isLetter(c) && !isDigit(c) && c != '-' || c == '_' {
				return false
			}
		}
	}
	return len(s) <= 253
}

// appliance decodes the appliance block: the box itself, where evenkeel is the whole system of it.
func (l *loader) appliance(b schema.Block) {
	ap := &config.Appliance{Position: position(b)}
	l.cfg.Appliance = ap
	body := l.r.Read(b.Body(), applianceShape)
	name := body.Attr("hostname")
	if s, ok := l.r.String(name); ok {
		if !isHostName(s) || len(s) > 64 { // the kernel's limit, include/uapi/linux/utsname.h
			l.r.Errorf(name.Expr.Range(), "Wrong host name", "A host name has letters, digits, hyphens and dots, at most 64, as in \"lb1\" or \"lb1.example.com\".")
		}
		ap.Hostname = s
	}
	servers := body.Attr("nameservers")
	elements, _ := l.r.List(servers)
	for _, e := range elements {
		text, ok := l.text(servers.Name, e)
		if !ok {
			continue
		}
		addr, err := schema.ParseAddress(text)
		if err != nil {
			l.r.Errorf(e.Range, "Wrong address", "nameservers: %v.", err)
			continue
		}
		ap.Nameservers = append(ap.Nameservers, addr)
	}
	clocks := body.Attr("ntp_servers")
	elements, _ = l.r.List(clocks)
	for _, e := range elements {
		text, ok := l.text(clocks.Name, e)
		if !ok {
			continue
		}
		if _, err := netip.ParseAddr(text); err != nil && !isHostName(text) {
			l.r.Errorf(e.Range, "Wrong host", "%q is neither an address nor a host name.", text)
		}
		ap.NTPServers = append(ap.NTPServers, text)
	}
	l.applianceInterfaces(ap, &body)
}

func (l *loader) applianceInterfaces(ap *config.Appliance, body *schema.Content) {
	first := map[string]schema.Block{}
	gateways := map[bool]config.Position{}
	owners := map[netip.Addr]string{}
	for _, b := range body.Of("interface") {
		i := config.ApplianceInterface{Name: b.Labels[0], Position: position(b)}
		l.checkInterface(i.Name, b.LabelRange(0))
		if other, ok := first[i.Name]; ok {
			l.r.Errorf(b.LabelRange(0), "Duplicate interface", "The first is at %s: put all its addresses there.", place(other.Range()))
		}
		first[i.Name] = b
		c := l.r.Read(b.Body(), applianceInterfaceShape)
		addresses := c.Attr("addresses")
		elements, _ := l.r.List(addresses)
		for _, e := range elements {
			text, ok := l.text(addresses.Name, e)
			if !ok {
				continue
			}
			p, ok := l.prefix(text, e.Range)
			if !ok {
				continue
			}
			if p.Bits() == 0 || p.Addr().IsUnspecified() || p.Addr().IsMulticast() {
				l.r.Errorf(e.Range, "Wrong address", "%s is not an address that an interface can have: write one as in \"192.0.2.11/24\".", p)
				continue
			}
			if owner, taken := owners[p.Addr()]; taken {
				l.r.Errorf(e.Range, "Duplicate address", "%s is %s's already.", p.Addr(), owner)
			}
			owners[p.Addr()] = i.Name
			i.Addresses = append(i.Addresses, p)
		}
		if a := c.Attr("gateway"); a.Written() {
			l.gateway(&i, a, gateways)
		}
		ap.Interfaces = append(ap.Interfaces, i)
	}
}

// gateway reads an interface's gateway. It must be reachable through the interface, and there is one for each family.
func (l *loader) gateway(i *config.ApplianceInterface, a schema.Attr, gateways map[bool]config.Position) {
	addr, ok := l.r.Address(a)
	if !ok {
		return
	}
	i.Gateway = addr
	at := a.Expr.Range()
	reachable := addr.IsLinkLocalUnicast()
	for _, p := range i.Addresses {
		if p.Addr() == addr {
			l.r.Errorf(at, "Wrong gateway", "%s is this interface's own address.", addr)
			return
		}
		reachable = reachable || p.Contains(addr)
	}
	if !reachable {
		l.r.Errorf(at, "Gateway out of reach", "%s is in no network of %s: write an address with its prefix length, as in \"192.0.2.11/24\", whose network the gateway is in.", addr, i.Name)
	}
	if other, taken := gateways[addr.Is6()]; taken {
		l.r.Errorf(at, "Duplicate gateway", "There is one default gateway for each address family, and the first is at %s.", other)
		return
	}
	gateways[addr.Is6()] = i.Position
}
