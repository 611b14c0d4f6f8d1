package sdk

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

func instanceOut(i VRRPInstance) *pluginv1.VRRPInstance {
	m := &pluginv1.VRRPInstance{
		Name:                   i.Name,
		Interface:              i.Interface,
		VirtualRouterId:        uint32(i.VirtualRouterID),
		Version:                uint32(i.Version),
		Priority:               uint32(i.Priority),
		AdvertInterval:         durationOut(i.AdvertInterval),
		Preempt:                i.Preempt,
		PreemptDelay:           durationOut(i.PreemptDelay),
		StartupDelay:           durationOut(i.StartupDelay),
		Rfc5798Checksum:        i.RFC5798Checksum,
		DropToVip:              i.DropToVIP,
		Source:                 addrOut(i.Source),
		MulticastGroup:         addrOut(i.MulticastGroup),
		UnicastPeers:           addrsOut(i.UnicastPeers),
		Addresses:              each(i.Addresses, virtualAddressOut),
		Excluded:               each(i.Excluded, virtualAddressOut),
		Routes:                 each(i.Routes, virtualRouteOut),
		Announcements:          announcementsOut(i.Announcements),
		Interfaces:             each(i.Interfaces, trackedInterfaceOut),
		AuthenticationType:     i.Authentication.Type,
		AuthenticationPassword: i.Authentication.Password,
		SyncGroup:              i.SyncGroup,
		PriorityChange:         weightOut(i.PriorityChange),
		Fault:                  text(i.Fault),
		Released:               i.Released,
	}
	if t := i.UnicastTTL; t != (UnicastTTL{}) {
		m.UnicastTtl = &pluginv1.UnicastTTL{Send: uint32(t.Send), Min: uint32(t.Min), Max: uint32(t.Max)}
	}
	if v := i.VirtualMAC; v != (VirtualMAC{}) {
		m.VirtualMac = &pluginv1.VirtualMAC{Use: v.Use, Name: v.Name, AdvertsFromBase: v.AdvertsFromBase}
	}
	return m
}

func instanceIn(m *pluginv1.VRRPInstance) (i VRRPInstance, err error) {
	mac := m.GetVirtualMac()
	i = VRRPInstance{
		Name:            m.GetName(),
		Interface:       m.GetInterface(),
		Preempt:         m.GetPreempt(),
		RFC5798Checksum: m.GetRfc5798Checksum(),
		DropToVIP:       m.GetDropToVip(),
		VirtualMAC:      VirtualMAC{Use: mac.GetUse(), Name: mac.GetName(), AdvertsFromBase: mac.GetAdvertsFromBase()},
		Authentication:  VRRPAuthentication{Type: m.GetAuthenticationType(), Password: m.GetAuthenticationPassword()},
		SyncGroup:       m.GetSyncGroup(),
		PriorityChange:  weightIn(m.GetPriorityChange()),
		Fault:           m.GetFault(),
		Released:        m.GetReleased(),
	}
	var in checked
	take(&in, &i.VirtualRouterID, "virtual router id", m.GetVirtualRouterId(), fit[uint8])
	take(&in, &i.Version, "version", m.GetVersion(), fit[uint8])
	take(&in, &i.Priority, "priority", m.GetPriority(), fit[uint8])
	take(&in, &i.AdvertInterval, "advert interval", m.GetAdvertInterval(), durationIn)
	take(&in, &i.PreemptDelay, "preempt delay", m.GetPreemptDelay(), durationIn)
	take(&in, &i.StartupDelay, "startup delay", m.GetStartupDelay(), durationIn)
	take(&in, &i.Source, "source", m.GetSource(), named(addrIn))
	take(&in, &i.MulticastGroup, "multicast group", m.GetMulticastGroup(), named(addrIn))
	take(&in, &i.UnicastPeers, "unicast peers", m.GetUnicastPeers(), named(addrsIn))
	take(&in, &i.UnicastTTL.Send, "unicast TTL", m.GetUnicastTtl().GetSend(), fit[uint8])
	take(&in, &i.UnicastTTL.Min, "least unicast TTL", m.GetUnicastTtl().GetMin(), fit[uint8])
	take(&in, &i.UnicastTTL.Max, "greatest unicast TTL", m.GetUnicastTtl().GetMax(), fit[uint8])
	take(&in, &i.Addresses, "virtual addresses", m.GetAddresses(), list(virtualAddressIn))
	take(&in, &i.Excluded, "excluded virtual addresses", m.GetExcluded(), list(virtualAddressIn))
	take(&in, &i.Routes, "virtual routes", m.GetRoutes(), list(virtualRouteIn))
	take(&in, &i.Announcements, "announcements", m.GetAnnouncements(), named(announcementsIn))
	take(&in, &i.Interfaces, "tracked interfaces", m.GetInterfaces(), list(trackedInterfaceIn))
	if in.err != nil {
		return i, fmt.Errorf("vrrp instance %q: %w", clip(i.Name), in.err)
	}
	return i, nil
}

// A checked keeps the first error of a message's fields.
type checked struct{ err error }

// take reads one field of a message into v.
func take[A, B any](c *checked, v *B, what string, field A, read func(what string, field A) (B, error)) {
	got, err := read(what, field)
	if err != nil && c.err == nil {
		c.err = err
	}
	*v = got
}

// named turns a reader that needs no name of what it reads into one that is given it.
func named[A, B any](read func(A) (B, error)) func(string, A) (B, error) {
	return func(what string, field A) (B, error) {
		v, err := read(field)
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		return v, err
	}
}

// list is named for each of a list.
func list[A, B any](read func(A) (B, error)) func(string, []A) ([]B, error) {
	return named(func(in []A) ([]B, error) { return eachIn(in, read) })
}

// maxPriorityChange is how far tracking may move a priority, which has eight bits.
const maxPriorityChange = 255

func weightOut(w int) int32 { return int32(max(min(w, maxPriorityChange), -maxPriorityChange)) }
func weightIn(w int32) int  { return int(max(min(w, maxPriorityChange), -maxPriorityChange)) }
func prefixOut(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func prefixIn(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("reading %q: not an address with a prefix length", clip(s))
	}
	return p, nil
}

func virtualAddressOut(a VirtualAddress) *pluginv1.VirtualAddress {
	return &pluginv1.VirtualAddress{Prefix: prefixOut(a.Prefix), Interface: a.Interface, Label: a.Label, Scope: a.Scope, Peer: addrOut(a.Peer)}
}

func virtualAddressIn(m *pluginv1.VirtualAddress) (VirtualAddress, error) {
	a := VirtualAddress{Interface: m.GetInterface(), Label: m.GetLabel(), Scope: m.GetScope()}
	var in checked
	take(&in, &a.Prefix, "address", m.GetPrefix(), named(prefixIn))
	take(&in, &a.Peer, "peer", m.GetPeer(), named(addrIn))
	return a, in.err
}

func virtualRouteOut(r VirtualRoute) *pluginv1.VirtualRoute {
	return &pluginv1.VirtualRoute{
		Destination: prefixOut(r.Destination),
		Via:         addrOut(r.Via),
		Interface:   r.Interface,
		Source:      addrOut(r.Source),
		Metric:      r.Metric,
		Table:       r.Table,
	}
}

func virtualRouteIn(m *pluginv1.VirtualRoute) (VirtualRoute, error) {
	r := VirtualRoute{Interface: m.GetInterface(), Metric: m.GetMetric(), Table: m.GetTable()}
	var in checked
	take(&in, &r.Destination, "destination", m.GetDestination(), named(prefixIn))
	take(&in, &r.Via, "next hop", m.GetVia(), named(addrIn))
	take(&in, &r.Source, "source", m.GetSource(), named(addrIn))
	return r, in.err
}

func announcementsOut(a Announcements) *pluginv1.Announcements {
	if a == (Announcements{}) {
		return nil
	}
	return &pluginv1.Announcements{
		Repeat:              countOut(a.Repeat),
		Delay:               durationOut(a.Delay),
		Refresh:             durationOut(a.Refresh),
		RefreshRepeat:       countOut(a.RefreshRepeat),
		LowerPriorityRepeat: countOut(a.LowerPriorityRepeat),
		LowerPriorityDelay:  durationOut(a.LowerPriorityDelay),
		ArpInterval:         durationOut(a.ARPInterval),
		NaInterval:          durationOut(a.NAInterval),
	}
}

func announcementsIn(m *pluginv1.Announcements) (Announcements, error) {
	a := Announcements{
		Repeat:              int(min(m.GetRepeat(), math.MaxInt32)),
		RefreshRepeat:       int(min(m.GetRefreshRepeat(), math.MaxInt32)),
		LowerPriorityRepeat: int(min(m.GetLowerPriorityRepeat(), math.MaxInt32)),
	}
	var in checked
	take(&in, &a.Delay, "delay", m.GetDelay(), durationIn)
	take(&in, &a.Refresh, "refresh", m.GetRefresh(), durationIn)
	take(&in, &a.LowerPriorityDelay, "delay after a lower priority", m.GetLowerPriorityDelay(), durationIn)
	take(&in, &a.ARPInterval, "interval of ARPs", m.GetArpInterval(), durationIn)
	take(&in, &a.NAInterval, "interval of neighbor advertisements", m.GetNaInterval(), durationIn)
	return a, in.err
}

func trackedInterfaceOut(t TrackedInterface) *pluginv1.TrackedInterface {
	return &pluginv1.TrackedInterface{Name: t.Name, Weight: weightOut(t.Weight), UpDelay: durationOut(t.UpDelay), DownDelay: durationOut(t.DownDelay)}
}

func trackedInterfaceIn(m *pluginv1.TrackedInterface) (TrackedInterface, error) {
	t := TrackedInterface{Name: m.GetName(), Weight: weightIn(m.GetWeight())}
	var in checked
	take(&in, &t.UpDelay, "up delay", m.GetUpDelay(), durationIn)
	take(&in, &t.DownDelay, "down delay", m.GetDownDelay(), durationIn)
	return t, in.err
}
