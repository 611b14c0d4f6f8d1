package load

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// protocols are those that IPVS balances.
var protocols = []string{"tcp", "udp", "sctp"}

// serviceAddress decodes how packets of a virtual server are known: exactly one of address, fwmark and match.
func (l *loader) serviceAddress(s *service) {
	address, mark, matches := s.body.Attr("address"), s.body.Attr("fwmark"), s.body.Of("match")
	protocol, family := s.body.Attr("protocol"), s.body.Attr("ip_family")
	ways := 0
	for _, written := range []bool{address.Written(), mark.Written(), len(matches) > 0} {
		if written {
			ways++
		}
	}
	switch {
	case ways == 0:
		l.r.Errorf(s.block.Range(), "Virtual server without an address", "Add address = \"192.0.2.1:80\" and protocol = \"tcp\", or fwmark = 1, or a match block.")
		return
	case ways > 1:
		at := s.block.Range()
		if mark.Written() {
			at = mark.NameRange()
		} else if len(matches) > 0 {
			at = matches[0].Range()
		}
		l.r.Errorf(at, "Several addresses of a virtual server", "A virtual server has one of address, fwmark and match. Several match blocks may stand together.")
		return
	}
	if family.Written() && !mark.Written() {
		l.r.Errorf(family.NameRange(), "Family of an address", "ip_family is for a fwmark; an address tells its own: leave it out.")
	}
	switch {
	case address.Written():
		l.addressService(s, address, protocol)
	case mark.Written():
		l.markService(s, mark, family)
	default:
		l.matchService(s, matches)
	}
	if s.byMark && protocol.Written() {
		detail := "A firewall mark stands for packets of every protocol: leave it out."
		if len(matches) > 0 {
			detail = "It belongs into the match block."
		}
		l.r.Errorf(protocol.NameRange(), "Protocol of a mark", "%s", detail)
	}
}

func (l *loader) addressService(s *service, address, protocol schema.Attr) {
	s.at = address.Expr.Range()
	if p, ok := l.r.Word(protocol, protocols...); ok {
		s.Service.Protocol = p
	} else if !protocol.Written() {
		l.r.Errorf(s.block.Range(), "Missing protocol", "Add protocol = \"tcp\", \"udp\" or \"sctp\". It is never guessed: keepalived would take udp.")
	}
	text, ok := l.r.String(address)
	if !ok {
		return
	}
	addr, port, err := endpoint(text)
	if err == nil && (addr.IsUnspecified() || addr.IsMulticast()) {
		err = fmt.Errorf("%s is not an address that a service can have", addr)
	}
	if err != nil {
		l.r.Errorf(s.at, "Wrong address", "%s.", sentence(err))
		return
	}
	s.Service.Address, s.Service.Port, s.Service.IPv6 = addr, port, addr.Is6()
	s.known = s.Service.Protocol != ""
}

func (l *loader) markService(s *service, mark, family schema.Attr) {
	s.byMark, s.at = true, mark.Expr.Range()
	n, ok := l.r.Int(mark, 1, math.MaxUint32)
	if !ok {
		return
	}
	s.Service.Mark, s.known = uint32(n), true
	if w, ok := l.r.Word(family, "ipv4", "ipv6"); ok {
		s.Service.IPv6 = w == "ipv6"
		return
	} else if family.Written() {
		s.known = false
		return
	}
	// The mark does not tell a family: it is the servers', if they have one in common.
	four, six := false, false
	for _, b := range s.body.Of("real_server") {
		if addr, _, err := endpoint(b.Labels[0]); err == nil {
			four, six = four || addr.Is4(), six || addr.Is6()
		}
	}
	if four && six {
		l.r.Errorf(s.at, "Family of a mark", "Its real servers are of both families, so say which one the packets with this mark have: add ip_family = \"ipv4\" or \"ipv6\".")
		s.known = false
	}
	s.Service.IPv6 = six && !four
}

func (l *loader) matchService(s *service, blocks []schema.Block) {
	s.byMark, s.at = true, blocks[0].Range()
	s.known = true
	s.alone = false // the mark depends on the names of others
	for i, b := range blocks {
		m, ok := l.match(b)
		s.known = s.known && ok
		if i > 0 && ok && s.known && m.Address.Is6() != s.Service.IPv6 {
			l.r.Errorf(b.Range(), "Mixed address families", "All matches of a virtual server have one address family: write a second virtual_server for the other.")
			s.known = false
		}
		if i == 0 {
			s.Service.IPv6 = m.Address.Is6()
		}
		s.Service.Match = append(s.Service.Match, m)
	}
}

// match decodes a match block.
func (l *loader) match(b schema.Block) (m config.Match, ok bool) {
	c := l.r.Read(b.Body(), matchShape)
	ok = true
	for _, name := range []string{"address", "protocol"} {
		if !c.Attr(name).Written() {
			l.r.Diags = append(l.r.Diags, schema.Missing(name, b.Range()))
			ok = false
		}
	}
	if a := c.Attr("address"); a.Written() {
		addr, good := l.r.Address(a)
		if good && (addr.IsUnspecified() || addr.IsMulticast()) {
			l.r.Errorf(a.Expr.Range(), "Wrong address", "%s is not an address that a service can have.", addr)
			good = false
		}
		m.Address, ok = addr, ok && good
	}
	if a := c.Attr("protocol"); a.Written() {
		p, good := l.r.Word(a, protocols...)
		m.Protocol, ok = p, ok && good
	}
	ports := c.Attr("ports")
	elements, good := l.r.List(ports)
	if ports.Written() && !good {
		return m, false
	}
	for _, e := range elements {
		p, err := portRange(e.Value)
		if err != nil {
			l.r.Errorf(e.Range, "Wrong port", "%s.", sentence(err))
			ok = false
			continue
		}
		m.Ports = append(m.Ports, p)
	}
	return m, ok
}

// portRange reads "80", "8000-8099" or 80.
func portRange(v cty.Value) (config.PortRange, error) {
	wrong := fmt.Errorf("ports are written as in [\"80\", \"8000-8099\"], from 1 to 65535")
	switch v.Type() {
	case cty.Number:
		n, exact := v.AsBigFloat().Int64()
		if exact != 0 || n < 1 || n > math.MaxUint16 {
			return config.PortRange{}, wrong
		}
		return config.PortRange{First: uint16(n), Last: uint16(n)}, nil
	case cty.String:
		first, last, isRange := strings.Cut(v.AsString(), "-")
		if !isRange {
			last = first
		}
		a, err := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
		b, err2 := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
		switch {
		case err != nil || err2 != nil || a == 0 || b == 0:
			return config.PortRange{}, fmt.Errorf("%q is no port: %w", v.AsString(), wrong)
		case a > b:
			return config.PortRange{}, fmt.Errorf("%q goes backwards: write \"%d-%d\"", v.AsString(), b, a)
		}
		return config.PortRange{First: uint16(a), Last: uint16(b)}, nil
	}
	return config.PortRange{}, wrong
}
