package load

import (
	"net/netip"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// adverts reads advert_int, which version 2 sends in whole seconds (RFC 3768 section 5.3.7) and version 3 in hundredths of
// one, in 12 bits (RFC 9568 section 5.2.7).
func (l *loader) adverts(v *config.VRRPInstance, a schema.Attr) {
	d, ok := l.r.Duration(a)
	if !ok {
		return
	}
	v.AdvertInterval = d
	switch {
	case v.Version == 2 && (d%time.Second != 0 || d < time.Second || d > 255*time.Second):
		l.r.Errorf(a.Expr.Range(), "Wrong advert interval", "Version 2 sends adverts every 1s to 255s, in whole seconds, and this is %s: write version = 3 for shorter ones.", schema.FormatDuration(d))
	case v.Version == 3 && (d%(10*time.Millisecond) != 0 || d < 10*time.Millisecond || d > 40950*time.Millisecond):
		l.r.Errorf(a.Expr.Range(), "Wrong advert interval", "Version 3 sends adverts every 10ms to 40.95s, in hundredths of a second, and this is %s.", schema.FormatDuration(d))
	}
}

// checksum reads checksum. Version 2 has no choice, and IPv6 always has a pseudo-header (RFC 9568 section 5.2.8).
func (l *loader) checksum(v *config.VRRPInstance, a schema.Attr) {
	w, ok := l.r.Word(a, string(config.RFC9568), string(config.RFC5798))
	if !ok {
		return
	}
	v.Checksum = config.Checksum(w)
	switch {
	case v.Version == 2:
		l.r.Errorf(a.NameRange(), "Checksum with version 2", "Version 2 knows one checksum: leave checksum out, or write version = 3.")
	case v.IPv6():
		l.r.Errorf(a.NameRange(), "Checksum over IPv6", "Over IPv6 both RFCs count alike, and the adverts of this virtual router go by IPv6: leave checksum out.")
	}
}

// source reads source_address.
func (l *loader) source(v *config.VRRPInstance, a schema.Attr) {
	addr, ok := l.r.Address(a)
	if !ok {
		return
	}
	switch {
	case addr.IsMulticast() || addr.IsUnspecified():
		l.r.Errorf(a.Expr.Range(), "Wrong address", "%s is not an address that adverts can come from.", addr)
	case len(v.Addresses) > 0 && v.IPv6() != addr.Is6():
		l.r.Errorf(a.Expr.Range(), "Source of another family", "Adverts can't come from %s: they go in the family of the first virtual address, %s.", addr, v.Addresses[0].Prefix.Addr())
	case v.Holds(addr) && v.Priority != 255:
		l.r.Errorf(a.Expr.Range(), "Adverts from a virtual address", "%s comes and goes with the role of the master: write an address that this machine always has, or leave it out for the interface's own.", addr)
	}
	v.SourceAddress = addr
}

// multicastGroup reads multicast_group.
func (l *loader) multicastGroup(v *config.VRRPInstance, a, peers schema.Attr) {
	addr, ok := l.r.Address(a)
	if !ok {
		return
	}
	switch {
	case !addr.IsMulticast():
		l.r.Errorf(a.Expr.Range(), "Wrong group", "%s is not a multicast address: leave it out for 224.0.0.18, or ff02::12 with IPv6.", addr)
	case len(v.Addresses) > 0 && v.IPv6() != addr.Is6():
		l.r.Errorf(a.Expr.Range(), "Group of another family", "Adverts can't go to %s: they go in the family of the first virtual address, %s.", addr, v.Addresses[0].Prefix.Addr())
	case peers.Written():
		l.r.Errorf(a.NameRange(), "Group beside peers", "Adverts go to unicast_peers or to a group, not to both: leave one of them out.")
	}
	v.MulticastGroup = addr
}

func (l *loader) unicastPeers(v *config.VRRPInstance, a schema.Attr) {
	elements, _ := l.r.List(a)
	seen := map[netip.Addr]bool{}
	for _, e := range elements {
		text, ok := l.text(a.Name, e)
		if !ok {
			continue
		}
		peer, err := schema.ParseAddress(text)
		switch {
		case err != nil:
			l.r.Errorf(e.Range, "Wrong address", "unicast_peers: %v.", err)
			continue
		case peer.IsMulticast() || peer.IsUnspecified():
			l.r.Errorf(e.Range, "Wrong address", "%s is not the address of a peer.", peer)
		case seen[peer]:
			l.r.Errorf(e.Range, "Duplicate peer", "%s is there already.", peer)
		case len(v.Addresses) > 0 && v.IPv6() != peer.Is6():
			l.r.Errorf(e.Range, "Peer of another family", "%s has no use: adverts go in the family of the first virtual address, %s.", peer, v.Addresses[0].Prefix.Addr())
		}
		seen[peer] = true
		v.UnicastPeers = append(v.UnicastPeers, peer)
	}
}

// unicastTTL reads what is sent to peers and accepted of them. Multicast adverts always have 255 (RFC 9568 section 5.1.1.3).
func (l *loader) unicastTTL(v *config.VRRPInstance, body *schema.Content) {
	for _, a := range []struct {
		name string
		to   *uint8
	}{{"unicast_ttl", &v.UnicastTTL.Send}, {"unicast_min_ttl", &v.UnicastTTL.Min}, {"unicast_max_ttl", &v.UnicastTTL.Max}} {
		attr := body.Attr(a.name)
		if n, ok := l.r.Int(attr, 1, 255); ok {
			*a.to = uint8(n)
		}
		if attr.Written() && !body.Attr("unicast_peers").Written() {
			l.r.Errorf(attr.NameRange(), "TTL without peers", "Multicast adverts are sent with a TTL of 255, and accepted with no other: leave %s out, or write unicast_peers.", a.name)
		}
	}
	if t := v.UnicastTTL; t.Max != 0 && t.Min > t.Max {
		l.r.Errorf(body.Attr("unicast_min_ttl").Expr.Range(), "Nothing left to accept", "No TTL is at least %d and at most %d.", t.Min, t.Max)
	}
}
