package load

import (
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
	*v = config.VRRPInstance{Name: v.Name, Position: v.Position, Version: 3, Priority: 100, AdvertInterval: time.Second, Preempt: true, Checksum: config.RFC9568, Accept: true}
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
		if v.Priority == 255 && !on {
			l.r.Warnf(body.Attr("preempt").NameRange(), "Owner that does not preempt", "The owner of the addresses, which has priority 255, always takes over (RFC 9568 section 6.1): preempt = false has no effect.")
		}
	}
	delay := body.Attr("preempt_delay")
	if d, ok := l.duration(delay, 0, 1000*time.Second); ok {
		v.PreemptDelay = d
		if d > 0 && !v.Preempt {
			l.r.Warnf(delay.NameRange(), "Delay of nothing", "preempt_delay has no effect with preempt = false.")
		}
	}
	if d, ok := l.duration(body.Attr("startup_delay"), 0, 1000*time.Second); ok {
		v.StartupDelay = d
	}
	if on, ok := l.r.Bool(body.Attr("accept")); ok {
		v.Accept = on
	}
	l.virtualAddresses(v, b, &body)
	for _, b := range body.Of("virtual_route") {
		l.virtualRoute(v, b)
	}
	l.checksum(v, body.Attr("checksum"))
	l.source(v, body.Attr("source_address"))
	l.unicastPeers(v, body.Attr("unicast_peers"))
	l.multicastGroup(v, body.Attr("multicast_group"), body.Attr("unicast_peers"))
	l.unicastTTL(v, &body)
	l.virtualMAC(v, &body)
	l.announcements(v, &body)
	l.authentication(v, &body)
	for _, t := range body.Of("track") {
		l.track(t, v, &v.Track)
	}
	l.routers.add(l, v, body.Attr("virtual_router_id"))
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
