package load

import (
	"math"
	"net/netip"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// virtualRoute decodes a virtual_route block.
func (l *loader) virtualRoute(v *config.VRRPInstance, b schema.Block) {
	body := l.r.Read(b.Body(), virtualRouteShape)
	r := config.VirtualRoute{Position: position(b)}
	p, ok := l.destination(b)
	if !ok {
		return
	}
	r.Destination = p
	via, device, source := body.Attr("via"), body.Attr("interface"), body.Attr("source")
	if device.Written() {
		r.Interface, _ = l.interfaceName(device)
	}
	if addr, ok := l.r.Address(via); ok {
		r.Via = addr
		if addr.Is6() && p.Addr().Is4() {
			l.r.Errorf(via.Expr.Range(), "Gateway of another family", "The route to %s can't go by %s.", p, addr)
		} else if addr.Is4() && p.Addr().Is6() {
			l.r.Errorf(via.Expr.Range(), "Gateway of another family", "The route to %s can't go by %s.", p, addr)
		}
	}
	if addr, ok := l.r.Address(source); ok {
		r.Source = addr
		if addr.Is6() != p.Addr().Is6() {
			l.r.Errorf(source.Expr.Range(), "Source of another family", "Packets to %s can't come from %s.", p, addr)
		}
	}
	if n, ok := l.r.Int(body.Attr("metric"), 0, math.MaxUint32); ok {
		r.Metric = uint32(n)
	}
	if n, ok := l.r.Int(body.Attr("table"), 1, math.MaxUint32); ok {
		r.Table = uint32(n)
	}
	for _, other := range v.Routes {
		if other.Destination == r.Destination && other.Metric == r.Metric && other.Table == r.Table {
			l.r.Errorf(b.Range(), "Duplicate route", "There is a route to %s with this metric and table already, at %s.", p, other.Position)
		}
	}
	v.Routes = append(v.Routes, r)
}

// destination reads the network that a route leads to, the block's label.
func (l *loader) destination(b schema.Block) (netip.Prefix, bool) {
	if b.Labels[0] == "default" {
		l.r.Errorf(b.LabelRange(0), "Wrong destination", "A default route has a family: write \"0.0.0.0/0\" or \"::/0\".")
		return netip.Prefix{}, false
	}
	p, ok := l.prefix(b.Labels[0], b.LabelRange(0))
	if ok && p != p.Masked() {
		l.r.Errorf(b.LabelRange(0), "Wrong destination", "%s has bits behind its length: the network is %q.", p, p.Masked())
	}
	return p, ok
}

// virtualMAC reads use_vmac and what belongs to it.
func (l *loader) virtualMAC(v *config.VRRPInstance, body *schema.Content) {
	use, name, base := body.Attr("use_vmac"), body.Attr("vmac_name"), body.Attr("vmac_xmit_base")
	if on, ok := l.r.Bool(use); ok {
		v.VirtualMAC.Use = on
	}
	if name.Written() {
		v.VirtualMAC.Name, _ = l.interfaceName(name)
	}
	if on, ok := l.r.Bool(base); ok {
		v.VirtualMAC.AdvertsFromBase = on
	}
	if !v.VirtualMAC.Use {
		for _, a := range []schema.Attr{name, base} {
			if a.Written() {
				l.r.Errorf(a.NameRange(), "No virtual MAC", "%s is about the macvlan of a virtual MAC, and there is none: write use_vmac = true, or leave it out.", a.Name)
			}
		}
		return
	}
	at := use.NameRange()
	if name.Written() {
		at = name.Expr.Range()
	}
	l.routers.macvlan(l, v, at)
}
