package director

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestAVirtualServerInTheContractsWords(t *testing.T) {
	vip, server := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::11")
	cfg := &config.Config{
		IPVS: config.IPVS{Timeouts: config.Timeouts{TCP: time.Minute, TCPFin: 2 * time.Second, UDP: 3 * time.Second}},
		VirtualServers: []*config.VirtualServer{{
			Name: "shop",
			Service: config.ServiceAddress{Mark: 99, IPv6: true, Match: []config.Match{
				{Address: vip, Protocol: "udp", Ports: []config.PortRange{{First: 5060, Last: 5061}}},
			}},
			Scheduler:   "mh",
			Flags:       []string{"mh-fallback"},
			OnePacket:   true,
			Persistence: &config.Persistence{Timeout: time.Minute, Prefix: 64, Engine: "sip"},
			RealServers: []*config.RealServer{{
				Address: server, Port: 5060, Forward: config.TUN, Tunnel: config.Tunnel{Type: "gue", Port: 6080, Checksum: "csum"},
				Weight: 7, MaxConnections: 50, MinConnections: 40,
			}},
		}},
	}
	want := sdk.Table{
		Timeouts: sdk.Timeouts{TCP: time.Minute, TCPFin: 2 * time.Second, UDP: 3 * time.Second},
		Services: []sdk.Service{{
			Key:         sdk.ServiceKey{Mark: 99, IPv6: true},
			Name:        "shop",
			Scheduler:   "mh",
			Flags:       []string{"mh-fallback"},
			OnePacket:   true,
			Persistence: sdk.Persistence{Timeout: time.Minute, Prefix: 64, Engine: "sip"},
			Match:       []sdk.Match{{Address: vip, Protocol: sdk.UDP, Ports: []sdk.PortRange{{First: 5060, Last: 5061}}}},
			Destinations: []sdk.Destination{{
				Address: server, Port: 5060, Forward: sdk.TUN, Tunnel: sdk.Tunnel{Type: "gue", Port: 6080, Checksum: "csum"},
				Weight: 7, UpperThreshold: 50, LowerThreshold: 40,
			}},
		}},
	}
	d, out := New(cfg, Seed{})
	if diff := gocmp.Diff(sdk.TableUpdate{Generation: 1, Full: true, Table: want}, out.Table, addresses); diff != "" {
		t.Errorf("the first output (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(want, TableOf(cfg), addresses); diff != "" {
		t.Errorf("TableOf (-want +got):\n%s", diff)
	}
	take(d) // what is returned is the caller's
	out.Table.Table.Services[0].Flags[0] = "x"
	out.Table.Table.Services[0].Destinations[0].Weight = 1
	if diff := gocmp.Diff(want, d.Table().Table, addresses); diff != "" {
		t.Errorf("the table after the caller has changed its copy (-want +got):\n%s", diff)
	}
}

func TestTargets(t *testing.T) {
	cfg := web(1)
	elsewhere := netip.MustParseAddr("10.2.0.1")
	shared := &config.Check{Type: "tcp", Name: "db", Address: elsewhere, Port: 5432, Interval: time.Second}
	alone := &config.Check{Type: "script", Name: "nginx", Config: json.RawMessage(`{"command":["x"]}`)}
	cfg.Checks = []*config.Check{shared, alone}
	cfg.VirtualServers[0].RealServers[0].Checks = []*config.Check{
		{Type: "tcp", Interval: 6 * time.Second, Timeout: 3 * time.Second, RetryInterval: 2 * time.Second, Fall: 4, Rise: 2},
		{Type: "tcp", Port: 8080},
		{Type: "http", Address: elsewhere, Config: json.RawMessage(`{"path":"/"}`)},
		shared,
	}
	server := netip.MustParseAddr("10.1.0.1")
	d, out := New(cfg, Seed{Verdicts: journal(down(id(1)+"#2"), up("check.tcp.db"))})
	want := map[string]sdk.TargetUpdate{
		"http": {Generation: 1, Full: true, Targets: []sdk.Target{
			{ID: "web/10.1.0.1:80/http", Address: elsewhere, Port: 80, Config: json.RawMessage(`{"path":"/"}`)},
		}},
		"script": {Generation: 1, Full: true, Targets: []sdk.Target{
			{ID: "check.script.nginx", Config: json.RawMessage(`{"command":["x"]}`)},
		}},
		"tcp": {Generation: 1, Full: true, Targets: []sdk.Target{
			{ID: "web/10.1.0.1:80/tcp", Address: server, Port: 80, Schedule: sdk.Schedule{Interval: 6 * time.Second, Timeout: 3 * time.Second, RetryInterval: 2 * time.Second, Fall: 4, Rise: 2}},
			{ID: "web/10.1.0.1:80/tcp#2", Address: server, Port: 8080, Initial: sdk.StateDown},
			{ID: "check.tcp.db", Address: elsewhere, Port: 5432, Schedule: sdk.Schedule{Interval: time.Second}, Initial: sdk.StateUp},
		}},
	}
	if diff := gocmp.Diff(want, out.Targets, addresses); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"http", "script", "tcp"}, d.CheckTypes()); diff != "" {
		t.Errorf("check types (-want +got):\n%s", diff)
	}
}

// Package load refuses what is here, and an ID is still for one thing only.
func TestDuplicatesAreSurvived(t *testing.T) {
	cfg := web(1, 2)
	vs := cfg.VirtualServers[0]
	vs.RealServers = append(vs.RealServers, realServerOf(1, 9), nil)
	twin := web(5).VirtualServers[0] // the same service
	namesake := web(6).VirtualServers[0]
	namesake.Service.Port = 443
	cfg.VirtualServers = append(cfg.VirtualServers, twin, nil, namesake)
	cfg.Checks = []*config.Check{nil, {Type: "tcp", Name: "a"}, {Type: "tcp", Name: "a", Port: 1}}
	d, _ := New(cfg, Seed{})
	var ids []string
	for _, target := range d.Targets("tcp").Targets {
		ids = append(ids, target.ID)
	}
	if diff := gocmp.Diff([]string{id(1), id(2), id(1) + "#2", "check.tcp.a"}, ids); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	take(d, up(ids...))
	expectTable(t, d, "1=1 2=2")
	if n := len(d.Table().Table.Services); n != 2 {
		t.Errorf("%d services", n)
	}
	if d, out := New(nil, Seed{}); d == nil || out.Table.Generation != 1 {
		t.Errorf("no configuration gave %+v", out)
	}
}
