package vrrp

import (
	"fmt"
	"net/netip"
	"reflect"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/address"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/keep"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
	"github.com/evenkeel/evenkeel/plugins/vrrp/vmac"
)

// An instance is one virtual router: what the machine decides about it, and what it is in this kernel.
type instance struct {
	spec    sdk.VRRPInstance
	ipv6    bool              // of its adverts
	machine *machine.Instance // nil until the first refresh
	wrong   string            // "", or why it can never take part as it is configured

	// What it speaks, and with whom. Without a format it speaks not at all, and problem says why.
	format    *advert.Format
	listening []*socket
	sending   *socket
	used      []*socket    // all of them, once for each use
	peers     []netip.Addr // where adverts go: the group, or the peers
	packet    []byte
	problem   string
	at        place // where it is all opened
	nowhere   bool  // there is no interface: what is open is of none
	over      int   // the index of the interface that the macvlan was made over
	macvlan   int   // its own

	tracked []*tracked

	// What it holds.
	set         *address.Set
	devices     []device // that it has addresses on
	announceNow bool     // its addresses have changed
	slot        *keep.Slot
	sequence    uint32 // of authentication headers, from the last process
	resume      bool

	// What has happened.
	notices    map[noticeKey]sdk.VRRPNotice
	discards   discards
	received   uint64
	sendErrors uint64
	sendError  string
	announced  uint64
	sent       time.Duration // the last advert of this mastership; 0: none yet
	largestGap time.Duration
	since      time.Time
	unlike     netip.Addr    // whose adverts list other addresses
	unlikeAt   time.Duration // when that was said last
}

// A place is where an instance is opened: when it is another one, sockets are opened anew.
type place struct {
	index   int        // of the interface
	sending int        // of the interface that adverts leave by
	source  netip.Addr // of adverts
}

// isMaster says whether it is, as far as the machine knows it yet.
func (i *instance) isMaster() bool { return i.machine != nil && i.machine.State() == machine.Master }

// device is the interface that the addresses are on unless they say otherwise.
func (i *instance) device() string {
	if i.spec.VirtualMAC.Use {
		return i.virtualMAC().Interface()
	}
	return i.spec.Interface
}

// virtualMAC is the macvlan, for an instance that uses one.
func (i *instance) virtualMAC() vmac.Router {
	return vmac.Router{ID: i.spec.VirtualRouterID, V6: i.ipv6, Over: i.spec.Interface, Name: i.spec.VirtualMAC.Name}
}

// key names the virtual router.
func (i *instance) key() keep.Key {
	return keep.Key{Interface: i.spec.Interface, ID: i.spec.VirtualRouterID, IPv6: i.ipv6}
}

// group is where adverts go by multicast.
func (i *instance) group() netip.Addr {
	if i.spec.MulticastGroup.IsValid() {
		return i.spec.MulticastGroup
	}
	return advert.Group(i.ipv6)
}

// identity is what makes it another virtual router when it changes, beside its ID and version.
func identity(s sdk.VRRPInstance) string {
	return fmt.Sprintf("%s|%v|%v", s.Interface, s.Addresses[0].Prefix.Addr().Is6(), s.VirtualMAC)
}

// same says whether another configuration is of the same virtual router.
func (i *instance) same(s sdk.VRRPInstance) bool {
	return i.spec.Name == s.Name && i.spec.VirtualRouterID == s.VirtualRouterID && i.spec.Version == s.Version && identity(i.spec) == identity(s)
}

// addresses are all that it holds as master, in the form of the kernel.
func (i *instance) addresses() []address.Address {
	var list []address.Address
	for _, a := range append(i.spec.Addresses[:len(i.spec.Addresses):len(i.spec.Addresses)], i.spec.Excluded...) {
		device := a.Interface
		var metric uint32
		if device == "" {
			device = i.device()
			if i.spec.VirtualMAC.Use {
				metric = vmac.Metric
			}
		}
		scope, _ := address.ParseScope(a.Scope) // the core has checked it
		list = append(list, address.Address{
			Prefix:    a.Prefix,
			Interface: device,
			Label:     a.Label,
			Peer:      a.Peer,
			Scope:     scope,
			Metric:    metric,
		})
	}
	return list
}

// routes are the virtual routes in the form of the kernel.
func (i *instance) routes() []address.Route {
	var list []address.Route
	for _, r := range i.spec.Routes {
		device := r.Interface
		if device == "" {
			device = i.device()
		}
		list = append(list, address.Route{Destination: r.Destination, Via: r.Via, Interface: device, Source: r.Source, Metric: r.Metric, Table: r.Table})
	}
	return list
}

// ips are the virtual addresses without the length of their prefix.
func ips(addresses []sdk.VirtualAddress) []netip.Addr {
	list := make([]netip.Addr, len(addresses))
	for n, a := range addresses {
		list[n] = a.Prefix.Addr()
	}
	return list
}

// advertised are those that are in an advert: of its family, and at most 255 (RFC 9568 section 5.2.5).
func (i *instance) advertised() []netip.Addr {
	var list []netip.Addr
	for _, a := range ips(i.spec.Addresses) {
		if a.Is6() == i.ipv6 && len(list) < 255 {
			list = append(list, a)
		}
	}
	return list
}

// holdsSame says whether two configurations put the same into the kernel.
func holdsSame(a, b sdk.VRRPInstance) bool {
	return reflect.DeepEqual(a.Addresses, b.Addresses) && reflect.DeepEqual(a.Excluded, b.Excluded) && reflect.DeepEqual(a.Routes, b.Routes)
}

// speaksSame says whether two configurations of the same virtual router speak the same.
func speaksSame(a, b sdk.VRRPInstance) bool {
	return a.AdvertInterval == b.AdvertInterval && a.RFC5798Checksum == b.RFC5798Checksum && a.UnicastTTL == b.UnicastTTL &&
		a.Authentication == b.Authentication && a.MulticastGroup == b.MulticastGroup && reflect.DeepEqual(a.UnicastPeers, b.UnicastPeers) && reflect.DeepEqual(a.Addresses, b.Addresses)
}

// discards count the adverts of an instance that changed nothing, by reason.
type discards [advert.Reasons]struct {
	count uint64
	from  netip.Addr // of the last one
}

func (d *discards) add(r advert.Reason, from netip.Addr) {
	d[r].count++
	d[r].from = from
}
