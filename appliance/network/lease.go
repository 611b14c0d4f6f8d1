package network

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// A Lease is what a DHCP server has said (RFC 2131, options of RFC 2132).
type Lease struct {
	Address     netip.Prefix
	Routes      []Route
	Nameservers []netip.Addr
	Search      []string
	NTPServers  []netip.Addr
	Hostname    string
	MTU         int // 0: not said
	Server      netip.Addr
	Renew       time.Time // T1: when it is to be asked for again
	Expires     time.Time // when the address is another's
}

// A Route is a way that a DHCP server has told.
type Route struct {
	Destination netip.Prefix
	Via         netip.Addr
}

// shortestLease bounds how often a server can make us ask.
const shortestLease = 10 * time.Second

// read takes from an answer what is of use. What a server says is not to be trusted: names that are none, and addresses that
// nobody can have, are left out. ok is false for an answer without a usable address.
func read(ack *dhcpv4.DHCPv4, now time.Time) (l Lease, ok bool) {
	addr := fromIP(ack.YourIPAddr)
	if !addr.Is4() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() {
		return l, false
	}
	bits := addr.BitLen()
	if m := ack.SubnetMask(); m != nil {
		if ones, size := m.Size(); size == 32 && ones > 0 {
			bits = ones
		}
	}
	l.Address = netip.PrefixFrom(addr, bits)
	l.Server = fromIP(ack.ServerIdentifier())
	// RFC 3442: with classless routes, the router option is not looked at.
	for _, r := range ack.ClasslessStaticRoute() {
		ones, size := r.Dest.Mask.Size()
		to, via := fromIP(r.Dest.IP), fromIP(r.Router)
		if size != 32 || !to.Is4() || !via.Is4() {
			continue
		}
		if via.IsUnspecified() {
			via = netip.Addr{} // the network is on the interface itself
		}
		l.Routes = append(l.Routes, Route{netip.PrefixFrom(to, ones).Masked(), via})
	}
	if len(l.Routes) == 0 {
		for _, router := range ack.Router() {
			if via := fromIP(router); usable(via) {
				l.Routes = append(l.Routes, Route{everything4, via})
				break // the first is the preferred one
			}
		}
	}
	for _, ip := range ack.DNS() {
		if a := fromIP(ip); usable(a) {
			l.Nameservers = append(l.Nameservers, a)
		}
	}
	for _, ip := range ack.NTPServers() {
		if a := fromIP(ip); usable(a) {
			l.NTPServers = append(l.NTPServers, a)
		}
	}
	if s := ack.DomainSearch(); s != nil {
		for _, name := range s.Labels {
			if isName(name) {
				l.Search = append(l.Search, name)
			}
		}
	}
	if name := text(ack.Options.Get(dhcpv4.OptionDomainName)); len(l.Search) == 0 && isName(name) {
		l.Search = []string{name}
	}
	if name := text(ack.Options.Get(dhcpv4.OptionHostName)); isName(name) && len(name) <= 64 {
		l.Hostname = name
	}
	if mtu, err := dhcpv4.GetUint16(dhcpv4.OptionInterfaceMTU, ack.Options); err == nil && mtu >= 576 {
		l.MTU = int(mtu)
	}
	lasts := max(ack.IPAddressLeaseTime(time.Hour), shortestLease)
	l.Expires = now.Add(lasts)
	if t1 := ack.IPAddressRenewalTime(0); t1 > 0 && t1 < lasts {
		l.Renew = now.Add(max(t1, shortestLease/2))
	} else {
		l.Renew = now.Add(lasts / 2) // RFC 2131 section 4.4.5
	}
	return l, true
}

func usable(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// text is what stands in an option; some servers end it with a zero.
func text(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }

// isName says whether a text can be written into resolv.conf, or be the name of a host: labels of letters, digits and hyphens.
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") {
			return false
		}
		for _, c := range []byte(label) {
			if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
