package load

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

func isString(v cty.Value) bool { return v.Type() == cty.String && !v.IsNull() }

// virtualPrefix reads "192.0.2.1/24". Without a length the address stands alone, as with keepalived.
func (l *loader) virtualPrefix(text string, at hcl.Range) (netip.Prefix, bool) {
	p, ok := l.prefix(text, at)
	if ok && (p.Addr().IsUnspecified() || p.Addr().IsMulticast() || p.Addr().IsLoopback()) {
		l.r.Errorf(at, "Wrong address", "%s is not an address that a virtual router can have.", p.Addr())
		return p, false
	}
	return p, ok
}

// prefix reads an address with the length of its network, "192.0.2.1/24"; without one it is the whole address.
func (l *loader) prefix(text string, at hcl.Range) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil && !p.Addr().Is4In6() {
		return p, true
	}
	addr, err := netip.ParseAddr(text)
	if err == nil {
		addr, err = schema.ParseAddress(text)
	}
	if err != nil {
		l.r.Errorf(at, "Wrong address", "%q is no address with a prefix length: write one as in \"192.0.2.1/24\" or \"2001:db8::1/64\".", text)
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

// virtualAddresses decodes virtual_addresses, virtual_addresses_excluded and the virtual_address blocks.
func (l *loader) virtualAddresses(v *config.VRRPInstance, b schema.Block, body *schema.Content) {
	attr := body.Attr("virtual_addresses")
	listed, ok := l.addressList(v, attr, &v.Addresses)
	l.addressList(v, body.Attr("virtual_addresses_excluded"), &v.Excluded)
	advertised := listed > 0
	for _, b := range body.Of("virtual_address") {
		excluded := l.addressBlock(v, b)
		advertised = advertised || !excluded
	}
	switch {
	case !advertised && (ok || !attr.Written()):
		l.r.Errorf(b.Range(), "Virtual router without an address", "Add virtual_addresses = [\"192.0.2.1/24\"].")
	case len(v.Addresses) > 0:
		l.advertSize(v, b, attr)
	}
}

// addressList decodes a list of addresses, and returns how many elements it has.
func (l *loader) addressList(v *config.VRRPInstance, a schema.Attr, into *[]config.VirtualAddress) (int, bool) {
	elements, ok := l.r.List(a)
	for _, e := range elements {
		text, ok := l.text(a.Name, e)
		if !ok {
			continue
		}
		at := config.Position{File: e.Range.Filename, Line: e.Range.Start.Line, Column: e.Range.Start.Column}
		if p, ok := l.virtualPrefix(text, e.Range); ok {
			l.virtualAddress(v, config.VirtualAddress{Position: at, Prefix: p}, e.Range, into)
		}
	}
	return len(elements), ok
}

// addressScopes are the words of ip-address(8) for a scope. A number from 0 to 255 is one, too.
var addressScopes = []string{"global", "site", "link", "host"}

// addressBlock decodes a virtual_address block and says whether its address is kept out of adverts.
func (l *loader) addressBlock(v *config.VRRPInstance, b schema.Block) (excluded bool) {
	inner := l.r.Read(b.Body(), virtualAddressShape)
	va := config.VirtualAddress{Position: position(b)}
	if a := inner.Attr("interface"); a.Written() {
		va.Interface, _ = l.interfaceName(a)
	}
	label, peer := inner.Attr("label"), inner.Attr("peer")
	if s, ok := l.r.String(label); ok {
		if s == "" || len(s) > 15 {
			l.r.Errorf(label.Expr.Range(), "Wrong label", "A label has 1 to 15 characters, as in \"eth1:gw\".")
		}
		va.Label = s
	}
	if a := inner.Attr("scope"); a.Written() {
		if s, ok := l.r.String(a); ok && !isScope(s) {
			l.r.Errorf(a.Expr.Range(), "Unknown scope", "scope is one of %s, or a number from 0 to 255.", listed(addressScopes))
		} else if s != "global" {
			va.Scope = s
		}
	}
	if on, ok := l.r.Bool(inner.Attr("excluded")); ok {
		excluded = on
	}
	p, ok := l.virtualPrefix(b.Labels[0], b.LabelRange(0))
	if !ok {
		return excluded
	}
	if va.Label != "" && p.Addr().Is6() {
		l.r.Errorf(label.NameRange(), "Label of an IPv6 address", "Only IPv4 addresses have labels: leave it out.")
	}
	if addr, ok := l.r.Address(peer); ok {
		if addr.Is6() != p.Addr().Is6() || addr.IsMulticast() || addr.IsUnspecified() {
			l.r.Errorf(peer.Expr.Range(), "Wrong peer", "%s can't be at the other end of %s.", addr, p.Addr())
		}
		va.Peer = addr
	}
	va.Prefix = p
	into := &v.Addresses
	if excluded {
		into = &v.Excluded
	}
	l.virtualAddress(v, va, b.LabelRange(0), into)
	return excluded
}

func isScope(s string) bool {
	_, err := strconv.ParseUint(s, 10, 8)
	return err == nil || slices.Contains(addressScopes, s)
}

// virtualAddress adds an address to an instance, and reports one that an instance has already.
func (l *loader) virtualAddress(v *config.VRRPInstance, a config.VirtualAddress, at hcl.Range, into *[]config.VirtualAddress) {
	if v.Version == 2 && a.Prefix.Addr().Is6() && into == &v.Addresses {
		l.r.Errorf(at, "IPv6 address with version 2", "VRRP version 2 is for IPv4 only (RFC 3768): write version = 3, or put it among virtual_addresses_excluded, to be held with the others.")
	}
	if l.routers.addresses == nil {
		l.routers.addresses = map[addressOn]*config.VRRPInstance{}
	}
	device := a.Interface
	if device == "" {
		device = v.Interface
	}
	key := addressOn{device, a.Prefix.Addr()}
	if first := l.routers.addresses[key]; first != nil {
		l.r.Errorf(at, "Duplicate virtual address", "%s on %s is vrrp_instance %q's already: an address has one owner.", a.Prefix.Addr(), device, first.Name)
	}
	l.routers.addresses[key] = v
	*into = append(*into, a)
}

// maxAdvertised is how many addresses an advert can have, which counts them in eight bits.
const maxAdvertised = 255

// ethernetMTU is what an interface has if nobody says otherwise, in bytes.
const ethernetMTU = 1500

// advertSize reports addresses that do not fit into an advert: those of its family (RFC 9568 section 5.2, RFC 3768
// section 5.3).
func (l *loader) advertSize(v *config.VRRPInstance, b schema.Block, list schema.Attr) {
	n := 0
	for _, a := range v.Addresses {
		if a.Prefix.Addr().Is6() == v.IPv6() {
			n++
		}
	}
	at := b.Range()
	if list.Written() {
		at = list.NameRange()
	}
	size := 20 + 8 + 4*n
	switch {
	case v.IPv6():
		size = 40 + 8 + 16*n
	case v.Version == 2:
		size += 8 + 24 // authentication, and the header of AH
	}
	switch {
	case n > maxAdvertised:
		l.r.Errorf(at, "Too many addresses", "An advert has room for %d addresses, and these are %d: put the others into virtual_addresses_excluded, which are held and not advertised.", maxAdvertised, n)
	case size > ethernetMTU:
		l.r.Warnf(at, "Large adverts", "An advert with %d addresses has %d bytes, and most interfaces carry %d: put some of them into virtual_addresses_excluded, which are held and not advertised.", n, size, ethernetMTU)
	}
}

// text reads a list's element that must be a string.
func (l *loader) text(name string, e schema.Element) (string, bool) {
	if !isString(e.Value) {
		l.r.Errorf(e.Range, "Wrong type", "%s is a list of strings.", name)
		return "", false
	}
	return e.Value.AsString(), true
}
