package load

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// The reference file has one of everything; it fixes the language.
func TestReferenceConfigurationIsLoadedWhole(t *testing.T) {
	got, diags := Load([]string{"testdata/reference.hcl"}, Options{Types: &fakeTypes{}, Hostname: "box"})
	if got == nil || len(diags.All()) > 0 {
		t.Fatalf("want no diagnostics, got\n%s", diags.Text())
	}

	ip, net := netip.MustParseAddr, netip.MustParsePrefix
	at := func(line, column int) config.Position {
		return config.Position{File: "testdata/reference.hcl", Line: line, Column: column}
	}
	weight := -20
	nginx := &config.Check{
		Type: "script", Name: "nginx", Position: at(144, 1), Interval: time.Second, Timeout: time.Second, Fall: 3, Rise: 2,
		Config: json.RawMessage(`{"command":["/data/scripts/nginx_alive"],"user":"nobody"}`),
	}
	announced := config.Announcements{Repeat: 5, Delay: 5 * time.Second, RefreshRepeat: 1, LowerPriorityRepeat: 5, LowerPriorityDelay: 5 * time.Second}
	vi1 := &config.VRRPInstance{
		Name: "VI_1", Position: at(15, 1), Interface: "eth0", VirtualRouterID: 51, Version: 2, Priority: 100,
		AdvertInterval: time.Second, Preempt: true, Checksum: config.RFC9568, Accept: true, Announcements: announced,
		Addresses: []config.VirtualAddress{
			{Position: at(23, 24), Prefix: net("192.168.12.135/24")},
			{Position: at(25, 3), Prefix: net("10.1.0.254/24"), Interface: "eth1", Label: "eth1:gw"},
		},
		Authentication: &config.Authentication{Type: "pass", Password: "1111"},
		Track:          []config.Track{{Position: at(35, 3), Check: nginx, Weight: &weight}, {Position: at(39, 3), Interface: "eth1"}},
	}
	vi2 := &config.VRRPInstance{
		Name: "VI_2", Position: at(44, 1), Interface: "eth0", VirtualRouterID: 52, Version: 3, Priority: 50,
		AdvertInterval: 100 * time.Millisecond, Preempt: true, Checksum: config.RFC9568, Accept: true, Announcements: announced,
		UnicastPeers: []netip.Addr{ip("192.168.12.12")},
		Addresses: []config.VirtualAddress{
			{Position: at(50, 24), Prefix: net("192.168.12.136/24")},
			{Position: at(50, 45), Prefix: net("2001:db8::136/64")},
		},
	}
	http := &config.Check{
		Type: "http", Position: at(86, 3), Interval: 6 * time.Second, Timeout: 3 * time.Second, RetryInterval: 3 * time.Second, Fall: 4, Rise: 1,
		Config: json.RawMessage(`{"method":"GET","path":"/","status":["200-299"],"tls":false}`),
	}
	tcp := &config.Check{
		Type: "tcp", Position: at(104, 5), Port: 8080, Interval: 5 * time.Second, Timeout: 3 * time.Second, Fall: 3, Rise: 1,
		Config: json.RawMessage(`{}`),
	}
	web := &config.VirtualServer{
		Name: "web", Position: at(72, 1),
		Service:   config.ServiceAddress{Address: ip("192.168.12.135"), Port: 80, Protocol: "tcp"},
		Scheduler: "wrr", Persistence: &config.Persistence{Timeout: 50 * time.Second},
		Quorum: 1, OnFailure: config.Remove, StartState: config.StartDown,
		RealServers: []*config.RealServer{
			{Name: "192.168.12.246:80", Position: at(96, 3), Address: ip("192.168.12.246"), Port: 80, Forward: config.DR, Weight: 3, Checks: []*config.Check{http}},
			{
				Name: "192.168.12.237:80", Position: at(99, 3), Address: ip("192.168.12.237"), Port: 80, Forward: config.DR, Weight: 1,
				MaxConnections: 5000, MinConnections: 4000, Checks: []*config.Check{http, tcp},
			},
		},
		SorryServer: &config.SorryServer{Position: at(109, 3), Address: ip("127.0.0.1"), Port: 80, Forward: config.DR},
	}
	shopCheck := &config.Check{
		Type: "tcp", Position: at(126, 3), Port: 443, Interval: 2 * time.Second, Timeout: time.Second, Fall: 3, Rise: 1, Config: json.RawMessage(`{}`),
	}
	shop := &config.VirtualServer{
		Name: "shop", Position: at(112, 1),
		Service: config.ServiceAddress{Mark: 0x45560000 | 0x48ee, Match: []config.Match{{
			Address: ip("192.168.12.136"), Protocol: "tcp", Ports: []config.PortRange{{First: 80, Last: 80}, {First: 443, Last: 443}},
		}}},
		Scheduler: "rr", Persistence: &config.Persistence{Timeout: 360 * time.Second, Prefix: 24},
		Quorum: 1, OnFailure: config.Remove, StartState: config.StartDown,
		RealServers: []*config.RealServer{
			{Name: "10.1.0.11", Position: at(132, 3), Address: ip("10.1.0.11"), Forward: config.NAT, Weight: 1, Checks: []*config.Check{shopCheck}},
			{Name: "10.1.0.12", Position: at(133, 3), Address: ip("10.1.0.12"), Forward: config.NAT, Weight: 1, Checks: []*config.Check{shopCheck}},
		},
		SorryPage: &config.SorryPage{Position: at(135, 3), Status: 503, File: "/data/sorry.html"},
	}
	want := &config.Config{
		Director:      config.Director{Name: "lb1", Brake: config.Brake{Action: config.BrakeHold, Share: 50, Minimum: 10, Within: 10 * time.Second, Limit: 30 * time.Second}},
		VRRPInstances: []*config.VRRPInstance{vi1, vi2},
		SyncGroups:    []*config.SyncGroup{{Name: "edge", Position: at(53, 1), Members: []*config.VRRPInstance{vi1, vi2}}},
		IPVS: config.IPVS{
			Sync:     []config.Sync{{Position: at(60, 3), Interface: "eth1", ID: 51, Follow: "VI_1"}},
			Timeouts: config.Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute},
		},
		VirtualServers: []*config.VirtualServer{web, shop},
		Checks:         []*config.Check{nginx},
		Notifies: []*config.Notify{
			{
				Type: "mail", Name: "ops", Position: at(155, 1), On: []string{"vrrp_instance", "real_server", "quorum"},
				Config: json.RawMessage(`{"from":"evenkeel@lb1.example.com","smtp":{"server":"192.168.200.1:25","timeout":"30s"},"to":["dba@example.com"]}`),
			},
			{
				Type: "script", Name: "haproxy", Position: at(166, 1), On: []string{"vrrp_instance.master", "vrrp_instance.backup", "vrrp_instance.fault"},
				Config: json.RawMessage(`{"command":["/data/scripts/start_haproxy.sh"],"user":"root"}`),
			},
			{
				Type: "service", Name: "nginx", Position: at(172, 1), On: []string{"check.down"}, Only: []string{"check.script.nginx"},
				Config: json.RawMessage(`{"action":"restart","service":"nginx"}`),
			},
		},
		Provisions: []*config.Provision{{
			Type: "ssh", Name: "web", Position: at(181, 1), VirtualServers: []*config.VirtualServer{web},
			Config: json.RawMessage(`{"known_hosts_file":"/data/ssh/known_hosts","persist":true,"private_key_file":"/data/ssh/id_ed25519","user":"root"}`),
		}},
		Plugins: []*config.Plugin{{
			Kind: "check", Name: "redis", Position: at(191, 1), Path: "/data/plugins/check-redis",
			SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		}},
		Appliance: &config.Appliance{
			Position: at(199, 1), Hostname: "lb1", Nameservers: []netip.Addr{ip("192.168.12.1")}, NTPServers: []string{"192.168.12.1"},
			Watchdog: time.Minute,
			Interfaces: []config.ApplianceInterface{
				{Name: "eth0", Position: at(204, 3), Addresses: []netip.Prefix{net("192.168.12.11/24")}, Gateway: ip("192.168.12.1")},
				{Name: "eth1", Position: at(208, 3), Addresses: []netip.Prefix{net("10.1.0.1/24")}},
			},
		},
	}
	opts := []cmp.Option{
		cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
		cmp.Transformer("text", func(m json.RawMessage) string { return string(m) }),
	}
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("the typed configuration is not what the file says (-want +got):\n%s", diff)
	}
	if got.VRRPInstances[0].Track[0].Check != got.Checks[0] {
		t.Error("the tracked check is a copy, not the check that the reference names")
	}
}

func TestTypesOfUnusedPluginsAreNotAsked(t *testing.T) {
	types := &fakeTypes{}
	if _, diags := Load([]string{"testdata/reference.hcl"}, Options{Types: types}); diags.HasErrors() {
		t.Fatal(diags.Text())
	}
	for name, n := range types.schemas {
		if n != 1 {
			t.Errorf("the schema of %s was asked for %d times, want once", name, n)
		}
	}
	if types.schemas["check redis"] != 0 {
		t.Error("the schema of a plugin that no check uses was asked for")
	}
}
