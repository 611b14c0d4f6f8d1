package load

import (
	"fmt"
	"net/netip"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// routers keeps VRRP instances apart: no two may be the same virtual router, and none may hold another's address.
type routers struct {
	ids       map[routerKey]*config.VRRPInstance
	addresses map[addressOn]*config.VRRPInstance
	macvlans  map[string]*config.VRRPInstance // by name
	groups    map[*config.VRRPInstance]*config.SyncGroup
}

type routerKey struct {
	device string
	id     uint8
	ipv6   bool
}

type addressOn struct {
	device  string
	address netip.Addr
}

// add takes in an instance, and reports a virtual router that is there already.
func (rs *routers) add(l *loader, v *config.VRRPInstance, id schema.Attr) {
	if rs.ids == nil {
		rs.ids = map[routerKey]*config.VRRPInstance{}
	}
	if v.Interface == "" || v.VirtualRouterID == 0 || len(v.Addresses) == 0 {
		return
	}
	key, family := routerKey{v.Interface, v.VirtualRouterID, v.IPv6()}, "IPv4"
	if key.ipv6 {
		family = "IPv6"
	}
	if first := rs.ids[key]; first != nil {
		l.r.Errorf(id.Expr.Range(), "Duplicate virtual router", "%s router %d on %s is vrrp_instance %q already, at %s: give this one another virtual_router_id.", family, v.VirtualRouterID, v.Interface, first.Name, first.Position)
		return
	}
	rs.ids[key] = v
}

// macvlan takes in the interface of a virtual MAC, and reports one that is there already.
func (rs *routers) macvlan(l *loader, v *config.VRRPInstance, at hcl.Range) {
	if rs.macvlans == nil {
		rs.macvlans = map[string]*config.VRRPInstance{}
	}
	name := v.VirtualMAC.Name
	if name == "" {
		name = fmt.Sprintf("vrrp.%d", v.VirtualRouterID)
		if v.IPv6() {
			name = fmt.Sprintf("vrrp6.%d", v.VirtualRouterID)
		}
	}
	if first := rs.macvlans[name]; first != nil {
		l.r.Errorf(at, "Duplicate interface", "The macvlan %s is vrrp_instance %q's already, at %s: write another vmac_name, as in vmac_name = %q.", name, first.Name, first.Position, name+"b")
		return
	}
	rs.macvlans[name] = v
}

// syncGroup decodes a vrrp_sync_group block.
func (l *loader) syncGroup(b schema.Block) {
	const want = "vrrp_instances, as in [vrrp_instance.VI_1, vrrp_instance.VI_2]"
	g := target[config.SyncGroup](l, b)
	if g == nil {
		return
	}
	l.cfg.SyncGroups = append(l.cfg.SyncGroups, g)
	body := l.r.Read(b.Body(), syncGroupShape)
	members := body.Attr("members")
	if !members.Written() {
		l.r.Diags = append(l.r.Diags, schema.Missing("members", body.Missing()))
		return
	}
	if l.routers.groups == nil {
		l.routers.groups = map[*config.VRRPInstance]*config.SyncGroup{}
	}
	for _, t := range body.Of("track") {
		l.track(t, nil, &g.Track)
	}
	errors := len(l.r.Diags)
	refs, at := l.references(members, want)
	for i, ref := range refs {
		v, ok := ref.target.(*config.VRRPInstance)
		if !ok {
			l.wrongReference("members", ref, at[i], want)
			continue
		}
		if other := l.routers.groups[v]; other != nil {
			l.r.Errorf(at[i], "Duplicate member", "%s is a member of vrrp_sync_group %q already, at %s: an instance belongs to one group, once.", ref.text, other.Name, other.Position)
			continue
		}
		l.routers.groups[v] = g
		g.Members = append(g.Members, v)
		l.trackedTwice(g, v, at[i])
	}
	if len(l.r.Diags) == errors && len(g.Members) < 2 {
		l.r.Errorf(members.Expr.Range(), "Too few members", "A group keeps instances together, and this has %d: write two or more.", len(g.Members))
	}
}

// trackedTwice reports what both a group and its member track, which would count twice.
func (l *loader) trackedTwice(g *config.SyncGroup, v *config.VRRPInstance, at hcl.Range) {
	for _, t := range g.Track {
		for _, other := range v.Track {
			if sameTrack(t, other) {
				l.r.Errorf(at, "Duplicate track", "vrrp_instance %q tracks at %s what the group tracks for all its members at %s: write it in one of the two places.", v.Name, other.Position, t.Position)
			}
		}
	}
}
