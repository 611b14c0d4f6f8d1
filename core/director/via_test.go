package director

import (
	"net/netip"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// viaVIP returns web whose checks go to the VIP.
func viaVIP(weights ...uint32) *config.Config {
	cfg := web(weights...)
	for _, rs := range cfg.VirtualServers[0].RealServers {
		rs.Checks[0].Via, rs.Checks[0].Address, rs.Checks[0].Port = true, netip.MustParseAddr("192.0.2.1"), 80
	}
	return cfg
}

// waysOf returns the services of probes in a table, by real server.
func waysOf(t sdk.Table) map[netip.Addr]sdk.Service {
	ways := make(map[netip.Addr]sdk.Service)
	for _, s := range t.Services {
		if s.Probe {
			ways[s.Destinations[0].Address] = s
		}
	}
	return ways
}

func TestAProbeByTheVIPHasAServiceWithOneRealServer(t *testing.T) {
	cfg := viaVIP(3, 1)
	cfg.VirtualServers[0].RealServers[0].MaxConnections = 7
	cfg.VirtualServers[0].RealServers[1].Forward, cfg.VirtualServers[0].RealServers[1].Port = config.FullNAT, 8080
	d, out := New(cfg, Seed{Now: start})
	ways := waysOf(out.Table.Table)
	if len(ways) != 2 || len(out.Table.Table.Services) != 3 {
		t.Fatalf("the table is %+v", out.Table.Table)
	}
	for _, target := range d.Targets("tcp").Targets {
		way := ways[target.Egress.Toward]
		if target.Address != netip.MustParseAddr("192.0.2.1") || target.Port != 80 || target.Egress.Mark != way.Key.Mark || way.Key.Mark>>24 != 0x56 {
			t.Errorf("target %+v with the service %+v", target, way)
		}
	}
	one, two := ways[netip.MustParseAddr("10.1.0.1")], ways[netip.MustParseAddr("10.1.0.2")]
	want := []sdk.Destination{{Address: netip.MustParseAddr("10.1.0.1"), Forward: sdk.DR, Weight: 1}}
	if diff := gocmp.Diff(want, one.Destinations, addresses); diff != "" {
		t.Errorf("by dr (-want +got):\n%s", diff)
	}
	want = []sdk.Destination{{Address: netip.MustParseAddr("10.1.0.2"), Port: 8080, Forward: sdk.NAT, Weight: 1}}
	if diff := gocmp.Diff(want, two.Destinations, addresses); diff != "" {
		t.Errorf("by fullnat (-want +got):\n%s", diff)
	}
}

func TestTheWayToAServerStaysWhenItIsDown(t *testing.T) {
	d := allUp(viaVIP(1, 1), 2)
	out := take(d, down(id(1)))
	if len(out.Table.Removed)+len(out.Table.Table.Services) != 0 || len(waysOf(d.Table().Table)) != 2 {
		t.Errorf("the update is %+v", out.Table)
	}
}

func TestMarksStayWhileServersComeAndGo(t *testing.T) {
	d := allUp(viaVIP(1, 1, 1), 3)
	before := waysOf(d.Table().Table)
	cfg := viaVIP(1, 1, 1)
	vs := cfg.VirtualServers[0]
	vs.RealServers = append(vs.RealServers[1:], realServerOf(4, 1)) // without the first, and a fourth without via
	vs.RealServers[1].Weight = 9
	out := reload(d, cfg)
	after := waysOf(d.Table().Table)
	for _, a := range []string{"10.1.0.2", "10.1.0.3"} {
		if at := netip.MustParseAddr(a); before[at].Key != after[at].Key {
			t.Errorf("%s has %v, and had %v", a, after[at].Key, before[at].Key)
		}
	}
	if len(after) != 2 || len(out.Table.Removed) != 1 || out.Table.Removed[0] != before[netip.MustParseAddr("10.1.0.1")].Key {
		t.Errorf("the update is %+v", out.Table)
	}
	if v := d.Verdicts()[id(2)]; v.State != sdk.StateUp {
		t.Error("a verdict is lost although its probe is the same")
	}
	out = reload(d, web(1))
	if len(waysOf(d.Table().Table)) != 0 || len(out.Table.Removed) != 2 {
		t.Errorf("without via the update is %+v", out.Table)
	}
}

func TestAMarkOfTheConfigurationIsNotTaken(t *testing.T) {
	first := newMarks(&config.Config{}, nil).of("web/a")
	cfg := &config.Config{VirtualServers: []*config.VirtualServer{{Service: config.ServiceAddress{Mark: first}}}}
	if got := newMarks(cfg, nil).of("web/a"); got != first+1 && got != viaBase {
		t.Errorf("it is %#x, and %#x is taken", got, first)
	}
}

func TestAnotherSourceIsAnotherProbe(t *testing.T) {
	d := allUp(web(1, 1), 2)
	cfg := web(1, 1)
	cfg.VirtualServers[0].RealServers[0].Checks[0].Egress.Source = netip.MustParseAddr("192.0.2.9")
	cfg.VirtualServers[0].RealServers[1].Checks[0].Spread = time.Minute
	out := reload(d, cfg)
	if n := len(out.Targets["tcp"].Targets); n != 2 {
		t.Errorf("%d targets are sent", n)
	}
	if vs := d.Verdicts(); vs[id(1)].State != sdk.StateUnknown || vs[id(2)].State != sdk.StateUp {
		t.Errorf("the verdicts are %+v", vs)
	}
}
