package load

import (
	"net/netip"

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

// virtualAddress adds an address to an instance, and reports one that an instance has already.
func (l *loader) virtualAddress(v *config.VRRPInstance, a config.VirtualAddress, at hcl.Range) {
	if v.Version == 2 && a.Prefix.Addr().Is6() {
		l.r.Errorf(at, "IPv6 address with version 2", "VRRP version 2 is for IPv4 only (RFC 3768): write version = 3.")
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
	v.Addresses = append(v.Addresses, a)
}
