package load

import (
	"math"
	"net/netip"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// egress decodes how a check's probes leave the director. A type whose probes can't is told what they are instead.
func (l *loader) egress(t *typeEntry, body *schema.Content, c *config.Check) {
	source, device, mark := body.Attr("source"), body.Attr("interface"), body.Attr("mark")
	for _, a := range []schema.Attr{source, device, mark} {
		if a.Written() && !t.egress {
			l.r.Errorf(a.NameRange(), "Check that sends nothing by itself", "Probes of check %q do not go out by the director's own sockets, or its plugin does not say that they can be told how: leave out %s.", c.Type, a.Name)
			return
		}
	}
	if source.Written() {
		addr, ok := l.r.Address(source)
		switch {
		case !ok:
		case addr.IsUnspecified() || addr.IsMulticast():
			l.r.Errorf(source.Expr.Range(), "Wrong source", "%s is no address of a host: write one of the director's own, or leave source out.", addr)
		default:
			c.Egress.Source = addr
		}
	}
	if device.Written() {
		c.Egress.Interface, _ = l.interfaceName(device)
	}
	if n, ok := l.r.Int(mark, 1, math.MaxUint32); ok {
		c.Egress.Mark = uint32(n)
	}
	if c.Address.IsValid() {
		l.sourceFamily(c, c.Address, source)
	}
}

// sourceFamily checks that what is probed can be reached from a check's source.
func (l *loader) sourceFamily(c *config.Check, to netip.Addr, at schema.Attr) {
	if c.Egress.Source.IsValid() && c.Egress.Source.Is6() != to.Is6() {
		l.r.Errorf(at.Expr.Range(), "Source of another family", "Nothing goes from %s to %s: write an address of the same family, or leave source out.", c.Egress.Source, to)
	}
}

// serverSources checks that a real server can be reached from the sources of its checks.
func (l *loader) serverSources(rs *config.RealServer, b schema.Block) {
	for _, c := range rs.Checks {
		if s := c.Egress.Source; s.IsValid() && !c.Address.IsValid() && s.Is6() != rs.Address.Is6() {
			l.r.Errorf(b.LabelRange(0), "Source of another family", "The check at %s asks from %s, from where nothing goes to %s: write the check with a source of the same family in each real server, or leave source out.", c.Position, s, rs.Address)
		}
	}
}
