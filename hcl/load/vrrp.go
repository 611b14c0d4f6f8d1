package load

import (
	"net/netip"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// maxPassword is how many characters of a password version 2 carries (RFC 2338 section 5.3.6.1).
const maxPassword = 8

// vrrpInstance decodes a vrrp_instance block.
func (l *loader) vrrpInstance(b schema.Block) {
	v := target[config.VRRPInstance](l, b)
	if v == nil {
		return
	}
	l.cfg.VRRPInstances = append(l.cfg.VRRPInstances, v)
	*v = config.VRRPInstance{Name: v.Name, Position: v.Position, Version: 3, Priority: 100, AdvertInterval: time.Second, Preempt: true}
	body := l.r.Read(b.Body(), instanceShape)
	v.Interface, _ = l.requiredInterface(&body, "interface")
	if id := body.Attr("virtual_router_id"); !id.Written() {
		l.r.Diags = append(l.r.Diags, schema.Missing("virtual_router_id", body.Missing()))
	} else if n, ok := l.r.Int(id, 1, 255); ok {
		v.VirtualRouterID = uint8(n)
	}
	if n, ok := l.r.Int(body.Attr("version"), 2, 3); ok {
		v.Version = uint8(n)
	}
	if n, ok := l.r.Int(body.Attr("priority"), 1, 255); ok {
		v.Priority = uint8(n)
	}
	l.adverts(v, body.Attr("advert_int"))
	if on, ok := l.r.Bool(body.Attr("preempt")); ok {
		v.Preempt = on
	}
	delay := body.Attr("preempt_delay")
	if d, ok := l.duration(delay, 0, 1000*time.Second); ok {
		v.PreemptDelay = d
		if d > 0 && !v.Preempt {
			l.r.Warnf(delay.NameRange(), "Delay of nothing", "preempt_delay has no effect with preempt = false.")
		}
	}
	l.virtualAddresses(v, b, &body)
	l.unicastPeers(v, body.Attr("unicast_peers"))
	l.authentication(v, &body)
	for _, t := range body.Of("track") {
		l.track(v, t)
	}
	l.routers.add(l, v, body.Attr("virtual_router_id"))
}

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

// virtualAddresses decodes virtual_addresses and the virtual_address blocks.
func (l *loader) virtualAddresses(v *config.VRRPInstance, b schema.Block, body *schema.Content) {
	attr := body.Attr("virtual_addresses")
	elements, listed := l.r.List(attr)
	for _, e := range elements {
		text, ok := l.text(attr.Name, e)
		if !ok {
			continue
		}
		at := config.Position{File: e.Range.Filename, Line: e.Range.Start.Line, Column: e.Range.Start.Column}
		if p, ok := l.virtualPrefix(text, e.Range); ok {
			l.virtualAddress(v, config.VirtualAddress{Position: at, Prefix: p}, e.Range)
		}
	}
	blocks := body.Of("virtual_address")
	for _, b := range blocks {
		inner := l.r.Read(b.Body(), virtualAddressShape)
		va := config.VirtualAddress{Position: position(b)}
		if a := inner.Attr("interface"); a.Written() {
			va.Interface, _ = l.interfaceName(a)
		}
		if a := inner.Attr("label"); a.Written() {
			s, ok := l.r.String(a)
			if ok && (s == "" || len(s) > 15) {
				l.r.Errorf(a.Expr.Range(), "Wrong label", "A label has 1 to 15 characters, as in \"eth1:gw\".")
			}
			va.Label = s
		}
		p, ok := l.virtualPrefix(b.Labels[0], b.LabelRange(0))
		if !ok {
			continue
		}
		if va.Label != "" && p.Addr().Is6() {
			l.r.Errorf(inner.Attr("label").NameRange(), "Label of an IPv6 address", "Only IPv4 addresses have labels: leave it out.")
		}
		va.Prefix = p
		l.virtualAddress(v, va, b.LabelRange(0))
	}
	if len(blocks) == 0 && len(elements) == 0 && (listed || !attr.Written()) {
		l.r.Errorf(b.Range(), "Virtual router without an address", "Add virtual_addresses = [\"192.0.2.1/24\"].")
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
		case len(v.Addresses) > 0 && !hasFamily(v, peer.Is6()):
			l.r.Errorf(e.Range, "Peer of another family", "%s has no use: this virtual router has no address of its family, and adverts go in the family of the addresses.", peer)
		}
		seen[peer] = true
		v.UnicastPeers = append(v.UnicastPeers, peer)
	}
}

func hasFamily(v *config.VRRPInstance, ipv6 bool) bool {
	for _, a := range v.Addresses {
		if a.Prefix.Addr().Is6() == ipv6 {
			return true
		}
	}
	return false
}

func (l *loader) authentication(v *config.VRRPInstance, body *schema.Content) {
	blocks := body.Of("authentication")
	if len(blocks) == 0 {
		return
	}
	l.onlyOne(blocks)
	b := blocks[0]
	if v.Version != 2 {
		l.r.Errorf(b.Range(), "Authentication with version 3", "VRRP version 3 has none (RFC 9568 section 9): leave the block out, or write version = 2.")
	}
	c := l.r.Read(b.Body(), authenticationShape)
	auth := &config.Authentication{}
	if a := c.Attr("type"); !a.Written() {
		l.r.Diags = append(l.r.Diags, schema.Missing("type", c.Missing()))
	} else if w, ok := l.r.Word(a, "pass", "ah"); ok {
		auth.Type = w
	}
	password, ok := l.requiredString(&c, "password")
	if ok && len(password) > maxPassword {
		l.r.Errorf(c.Attr("password").Expr.Range(), "Password too long", "Adverts carry %d characters of a password, and this has %d: shorten it on all routers. keepalived uses the first %d.", maxPassword, len(password), maxPassword)
	}
	auth.Password = password
	v.Authentication = auth
}

// track decodes a track block.
func (l *loader) track(v *config.VRRPInstance, b schema.Block) {
	const want = "a check with a name, as in check.script.nginx"
	body := l.r.Read(b.Body(), trackShape)
	t := config.Track{Position: position(b)}
	check, device, weight := body.Attr("check"), body.Attr("interface"), body.Attr("weight")
	if check.Written() == device.Written() {
		l.r.Errorf(b.Range(), "Wrong track", "A track block has one of check and interface: check = check.script.NAME, or interface = \"eth1\".")
		return
	}
	if ref := l.refer(check, want); ref != nil {
		c, ok := ref.target.(*config.Check)
		if !ok {
			l.wrongReference("check", ref, check.Expr.Range(), want)
		}
		t.Check = c
	}
	if device.Written() {
		t.Interface, _ = l.interfaceName(device)
	}
	if n, ok := l.r.Int(weight, -253, 253); ok {
		if n == 0 {
			l.r.Errorf(weight.Expr.Range(), "Weight of 0", "A weight of 0 changes no priority. Leave it out to put the instance into FAULT (keepalived's weight 0), or write one that is added while the check is up, or a negative one that is subtracted while it is down.")
		} else {
			w := int(n)
			t.Weight = &w
			if v.Priority == 255 {
				l.r.Warnf(weight.NameRange(), "Weight at priority 255", "The owner of the addresses keeps its priority of 255: this weight has no effect.")
			}
		}
	}
	for _, other := range v.Track {
		if t.Check != nil && other.Check == t.Check || t.Interface != "" && other.Interface == t.Interface {
			l.r.Errorf(b.Range(), "Duplicate track", "This is tracked already, at %s.", other.Position)
		}
	}
	v.Track = append(v.Track, t)
}
