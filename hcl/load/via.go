package load

import (
	"slices"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// via decodes via = "vip" of a check of real servers: the probe goes to the virtual address.
func (l *loader) via(s *service, body *schema.Content, c *config.Check) {
	a := body.Attr("via")
	if !a.Written() {
		return
	}
	if _, ok := l.r.Word(a, "vip"); !ok {
		return
	}
	refuse := func(summary, detail string, args ...any) { l.r.Errorf(a.NameRange(), summary, detail, args...) }
	address, mark, port := body.Attr("address"), body.Attr("mark"), body.Attr("port")
	switch {
	case slices.Contains(portless, c.Type) || !l.types.known[typeName{"check", c.Type}].egress:
		refuse("Check that can't go by the VIP", "Only connections and datagrams go by way of the VIP, and check %q makes none that can be told to: leave via out, or use another type.", c.Type)
	case !s.known:
	case s.byMark:
		refuse("VIP of a mark", "A %s says nothing of an address that a probe could go to without being marked itself: leave via out, or use a virtual server with address.", s.markWord())
	case s.Service.Protocol == "sctp":
		refuse("VIP of SCTP", "No check speaks SCTP: leave via out.")
	case address.Written():
		l.r.Errorf(address.NameRange(), "Address beside via", "With via the probe goes to the virtual server's own address: leave address out, or via.")
	case mark.Written():
		l.r.Errorf(mark.NameRange(), "Mark beside via", "With via the probe has a mark that evenkeel chooses: leave mark out, or via.")
	case s.Service.Port == 0 && !port.Written():
		// reported already
	case s.Service.Port != 0 && port.Written() && c.Port != s.Service.Port:
		l.r.Errorf(port.Expr.Range(), "Port of another service", "With via the probe goes to the port of the virtual server, %d: leave port out, or via.", s.Service.Port)
	default:
		c.Via, c.Address = true, s.Service.Address
		if s.Service.Port != 0 {
			c.Port = s.Service.Port
		}
		l.sourceFamily(c, c.Address, body.Attr("source"))
	}
}

// viaServer checks that a real server can be asked by way of the VIP. IPVS keeps each datagram of nat as a connection for
// minutes, and with it which server the director's port leads to, whatever the mark of the next probe is.
func (l *loader) viaServer(s *service, rs *config.RealServer, b schema.Block) {
	l.viaFamilies(rs, b)
	nat := rs.Forward == config.NAT || rs.Forward == config.FullNAT
	if i := slices.IndexFunc(rs.Checks, func(c *config.Check) bool { return c.Via }); i >= 0 && nat && s.Service.Protocol == "udp" {
		l.r.Errorf(b.LabelRange(0), "UDP by the VIP with nat", "The check at %s goes by way of the VIP, which for UDP only works with dr and tun: leave via out, the real servers of nat need no VIP.", rs.Checks[i].Position)
	}
}

// viaFamilies checks that the director can tell by a real server's address from which of its own to ask at the VIP.
func (l *loader) viaFamilies(rs *config.RealServer, b schema.Block) {
	for _, c := range rs.Checks {
		if c.Via && !c.Egress.Source.IsValid() && rs.Address.Is6() != c.Address.Is6() {
			l.r.Errorf(b.LabelRange(0), "No source for via", "The check at %s goes to %s, and the address of the director's own toward %s is of another family: add source to the check.", c.Position, c.Address, rs.Address)
		}
	}
}
