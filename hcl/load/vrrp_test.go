package load

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/evenkeel/evenkeel/hcl/config"
)

func TestEveryAttributeOfAVirtualRouterHasItsPlace(t *testing.T) {
	cfg, diags := Sources([]Source{{Name: "lb.hcl", Text: []byte(`
check "script" "nginx" {
  command = ["/bin/true"]
}
vrrp_instance "VI_1" {
  interface                  = "eth0"
  virtual_router_id          = 51
  preempt                    = false
  startup_delay              = "30s"
  checksum                   = "rfc5798"
  accept                     = false
  source_address             = "192.0.2.11"
  unicast_peers              = ["192.0.2.12"]
  unicast_ttl                = 64
  unicast_min_ttl            = 253
  unicast_max_ttl            = 254
  virtual_addresses          = ["192.0.2.1/24"]
  virtual_addresses_excluded = ["2001:db8::1/64"]
  use_vmac                   = true
  vmac_name                  = "vmac51"
  vmac_xmit_base             = true
  garp_master_delay          = "2s"
  garp_master_repeat         = 3
  garp_master_refresh        = "1m"
  garp_master_refresh_repeat = 2
  garp_interval              = "1ms"
  gna_interval               = "2ms"
  virtual_address "10.0.0.1/32" {
    scope    = "link"
    peer     = "10.0.0.2"
    excluded = true
  }
  virtual_route "198.51.100.0/24" {
    via       = "192.0.2.254"
    interface = "eth2"
    source    = "192.0.2.1"
    metric    = 10
    table     = 100
  }
  track {
    interface  = "eth1"
    up_delay   = "3s"
    down_delay = "1s"
  }
}
vrrp_instance "VI_2" {
  interface              = "eth0"
  virtual_router_id      = 52
  multicast_group        = "224.0.0.19"
  virtual_addresses      = ["192.0.2.2/24"]
  garp_lower_prio_repeat = 1
  garp_lower_prio_delay  = "0s"
}
vrrp_sync_group "all" {
  members = [vrrp_instance.VI_1, vrrp_instance.VI_2]
  track {
    check  = check.script.nginx
    weight = -10
  }
}
virtual_server "web" {
  address       = "192.0.2.1:80"
  protocol      = "tcp"
  checks_follow = vrrp_instance.VI_1
}
`)}}, Options{Types: &fakeTypes{}})
	if len(diags.All()) > 0 {
		t.Fatal(diags.Text())
	}
	ip, net := netip.MustParseAddr, netip.MustParsePrefix
	weight := -10
	one := &config.VRRPInstance{
		Name: "VI_1", Interface: "eth0", VirtualRouterID: 51, Version: 3, Priority: 100, AdvertInterval: time.Second,
		StartupDelay: 30 * time.Second, Checksum: config.RFC5798, SourceAddress: ip("192.0.2.11"),
		UnicastPeers: []netip.Addr{ip("192.0.2.12")}, UnicastTTL: config.UnicastTTL{Send: 64, Min: 253, Max: 254},
		Addresses: []config.VirtualAddress{{Prefix: net("192.0.2.1/24")}},
		Excluded:  []config.VirtualAddress{{Prefix: net("2001:db8::1/64")}, {Prefix: net("10.0.0.1/32"), Scope: "link", Peer: ip("10.0.0.2")}},
		Routes: []config.VirtualRoute{{
			Destination: net("198.51.100.0/24"), Via: ip("192.0.2.254"), Interface: "eth2", Source: ip("192.0.2.1"), Metric: 10, Table: 100,
		}},
		VirtualMAC: config.VirtualMAC{Use: true, Name: "vmac51", AdvertsFromBase: true},
		Announcements: config.Announcements{
			Repeat: 3, Delay: 2 * time.Second, Refresh: time.Minute, RefreshRepeat: 2, LowerPriorityRepeat: 3, LowerPriorityDelay: 2 * time.Second,
			ARPInterval: time.Millisecond, NAInterval: 2 * time.Millisecond,
		},
		Track: []config.Track{{Interface: "eth1", UpDelay: 3 * time.Second, DownDelay: time.Second}},
	}
	two := &config.VRRPInstance{
		Name: "VI_2", Interface: "eth0", VirtualRouterID: 52, Version: 3, Priority: 100, AdvertInterval: time.Second, Preempt: true, Accept: true,
		Checksum: config.RFC9568, MulticastGroup: ip("224.0.0.19"), Addresses: []config.VirtualAddress{{Prefix: net("192.0.2.2/24")}},
		Announcements: config.Announcements{Repeat: 5, Delay: 5 * time.Second, RefreshRepeat: 1, LowerPriorityRepeat: 1},
	}
	group := &config.SyncGroup{
		Name: "all", Members: []*config.VRRPInstance{one, two}, Track: []config.Track{{Check: cfg.Checks[0], Weight: &weight}},
	}
	opts := []cmp.Option{
		cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.IgnoreTypes(config.Position{}),
	}
	if diff := cmp.Diff([]*config.SyncGroup{group}, cfg.SyncGroups, opts...); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := cfg.VirtualServers[0].ChecksFollow; got != "VI_1" {
		t.Errorf("the checks follow %q", got)
	}
	if !one.Holds(ip("10.0.0.1")) || one.Holds(ip("10.0.0.2")) {
		t.Error("an instance holds its excluded addresses, and not the peers of any")
	}
}

// The two families are two virtual routers, with a hardware address and a macvlan each (RFC 9568 section 7.3).
func TestTheVirtualMACsOfBothFamiliesGoTogether(t *testing.T) {
	_, diags := Sources([]Source{{Name: "lb.hcl", Text: []byte(`
vrrp_instance "four" {
  interface         = "eth0"
  virtual_router_id = 51
  use_vmac          = true
  virtual_addresses = ["192.0.2.1/24"]
}
vrrp_instance "six" {
  interface         = "eth0"
  virtual_router_id = 51
  use_vmac          = true
  virtual_addresses = ["fe80::1/64"]
}
`)}}, Options{})
	if len(diags.All()) != 0 {
		t.Error(diags.Text())
	}
}
