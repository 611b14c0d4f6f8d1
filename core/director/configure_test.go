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

func expectUpdate(t testing.TB, out Output, want sdk.TableUpdate) {
	t.Helper()
	if diff := gocmp.Diff(want, out.Table, addresses); diff != "" {
		t.Errorf("table update (-want +got):\n%s", diff)
	}
}

var webKey = sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.MustParseAddr("192.0.2.1"), Port: 80}

func dest(n int, weight uint32) sdk.Destination { return destination(realServerOf(n, weight)) }

func TestTheSameConfigurationChangesNothing(t *testing.T) {
	d := allUp(sample(), 10)
	moved := sample()
	moved.VirtualServers[0].Position.Line += 10
	moved.VirtualServers[0].SorryServer.Position.Line += 10
	moved.VirtualServers[0].RealServers[3].Checks[0].Position.Line += 10
	if diff := gocmp.Diff(Output{}, reload(d, moved)); diff != "" {
		t.Errorf("the same, ten lines further down:\n%s", diff)
	}
	if got := d.Status().VirtualServers[0].Position.Line; got != 10 {
		t.Errorf("the status says line %d", got)
	}
	if diff := gocmp.Diff(Output{}, d.Step(Configure{})); diff != "" {
		t.Errorf("no configuration at all:\n%s", diff)
	}
}

func TestAChangedWeightIsOneUpdate(t *testing.T) {
	d := allUp(web(3, 1), 2)
	out := reload(d, web(3, 5))
	expectUpdate(t, out, sdk.TableUpdate{Generation: 2, Base: 1, Changed: []sdk.DestinationUpdate{{Service: webKey, Destination: dest(2, 5)}}})
	expectEvents(t, out, "1 config virtual_server.web ->changed (0)", "2 weight web/10.1.0.2:80 1->5 (1)")
	if got, want := out.Events[0].Reason, "real_server 10.1.0.2:80: weight 1 -> 5"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	if len(out.Targets) > 0 {
		t.Errorf("targets changed: %v", out.Targets)
	}
}

func TestARealServerAddedAndOneRemoved(t *testing.T) {
	cfg := web(1, 1, 1)
	cfg.VirtualServers[0].RealServers[2].Checks = nil
	d := allUp(web(1, 1), 2)
	out := reload(d, cfg)
	expectUpdate(t, out, sdk.TableUpdate{Generation: 2, Base: 1, Changed: []sdk.DestinationUpdate{{Service: webKey, Destination: dest(3, 1)}}})
	expectEvents(t, out, "1 config virtual_server.web ->changed (0)")

	out = reload(d, web(1))
	expectUpdate(t, out, sdk.TableUpdate{Generation: 3, Base: 2, Gone: []sdk.DestinationKey{
		{Service: webKey, Address: netip.MustParseAddr("10.1.0.2"), Port: 80},
		{Service: webKey, Address: netip.MustParseAddr("10.1.0.3"), Port: 80},
	}})
	if got, want := out.Events[0].Reason, "real_server 10.1.0.2:80 removed, real_server 10.1.0.3:80 removed"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

func TestChangedAttributesSendTheServiceAsAWhole(t *testing.T) {
	d := allUp(web(3, 1), 2)
	cfg := web(3, 5)
	cfg.VirtualServers[0].Scheduler = "wlc"
	out := reload(d, cfg)
	expectUpdate(t, out, sdk.TableUpdate{Generation: 2, Base: 1, Table: sdk.Table{Services: []sdk.Service{
		{Key: webKey, Name: "web", Scheduler: "wlc", Destinations: []sdk.Destination{dest(1, 3), dest(2, 5)}},
	}}})
}

func TestAVirtualServerAddedAndOneRemoved(t *testing.T) {
	cfg := web(1)
	cfg.VirtualServers[0].Name = "shop"
	cfg.VirtualServers[0].Service.Port = 443
	cfg.VirtualServers[0].StartState = config.StartUp
	shopKey := webKey
	shopKey.Port = 443
	d := allUp(web(1), 1)
	out := reload(d, cfg)
	expectUpdate(t, out, sdk.TableUpdate{Generation: 2, Base: 1,
		Table:   sdk.Table{Services: []sdk.Service{{Key: shopKey, Name: "shop", Scheduler: "wrr", Destinations: []sdk.Destination{dest(1, 1)}}}},
		Removed: []sdk.ServiceKey{webKey},
	})
	expectEvents(t, out, "1 config virtual_server.web ->removed (0)", "2 config virtual_server.shop ->added (0)")
}

func TestAnotherNameChangesNothingButTheName(t *testing.T) {
	d := allUp(web(3, 1), 2)
	take(d, down(id(2)))
	cfg := web(3, 1)
	cfg.VirtualServers[0].Name = "www"
	out := reload(d, cfg)
	expectUpdate(t, out, sdk.TableUpdate{Generation: 3, Base: 2, Table: sdk.Table{Services: []sdk.Service{
		{Key: webKey, Name: "www", Scheduler: "wrr", Destinations: []sdk.Destination{dest(1, 3)}},
	}}})
	want := map[string]sdk.Verdict{
		"www/10.1.0.1:80/tcp": {TargetID: "www/10.1.0.1:80/tcp", State: sdk.StateUp, Since: start},
		"www/10.1.0.2:80/tcp": {TargetID: "www/10.1.0.2:80/tcp", State: sdk.StateDown, Reason: "HTTP 503", Since: start},
	}
	if diff := gocmp.Diff(want, d.Verdicts()); diff != "" {
		t.Errorf("verdicts under the new name (-want +got):\n%s", diff)
	}
	if got := out.Events[0].Reason; len(out.Events) != 1 || got != "name web -> www" {
		t.Errorf("events %v, reason %q", text(out.Events), got)
	}
}

func TestAnotherAddressKeepsTheVerdicts(t *testing.T) {
	d := allUp(web(3), 1)
	cfg := web(3)
	cfg.VirtualServers[0].Service.Address = netip.MustParseAddr("192.0.2.2")
	out := reload(d, cfg)
	expectTable(t, d, "1=3")
	if len(out.Targets) > 0 || len(out.Table.Removed) != 1 || len(out.Table.Table.Services) != 1 {
		t.Errorf("got %+v", out)
	}
	expectEvents(t, out, "1 config virtual_server.web ->changed (0)")
}

func TestAReloadCutsNoTrafficUntilTheChangedCheckSpeaks(t *testing.T) {
	for _, change := range []func(*config.RealServer){
		func(rs *config.RealServer) { rs.Checks[0].Config = json.RawMessage(`{"path":"/new"}`) },
		func(rs *config.RealServer) { rs.Checks[0].Type = "http" },
		func(rs *config.RealServer) { rs.Checks[0].Port = 8080 },
		func(rs *config.RealServer) { rs.Checks = append(rs.Checks, &config.Check{Type: "http"}) },
	} {
		cfg := web(1, 1)
		rs := cfg.VirtualServers[0].RealServers[0]
		change(rs)
		d := allUp(web(1, 1), 2)
		out := reload(d, cfg)
		if out.Table.Generation != 0 || len(out.Targets) == 0 {
			t.Errorf("table %+v, targets %+v", out.Table, out.Targets)
		}
		expectEvents(t, out, "1 config virtual_server.web ->changed (0)")
		checks := d.Status().VirtualServers[0].RealServers[0].Checks
		take(d, down(checks[len(checks)-1].ID))
		expectTable(t, d, "2=1")
	}
}

func TestAServerThatWasDownWaitsForItsNewCheck(t *testing.T) {
	d := allUp(web(1, 1), 2)
	take(d, down(id(1)))
	cfg := web(1, 1)
	cfg.VirtualServers[0].RealServers[0].Checks[0].Port = 8080
	expectEvents(t, reload(d, cfg), "4 config virtual_server.web ->changed (0)", "5 real_server web/10.1.0.1:80 down->unknown (4)")
	expectTable(t, d, "2=1")
	take(d, up(id(1)))
	expectTable(t, d, "1=1 2=1")
}

func TestAServerWhoseFailingCheckIsRemovedComesBack(t *testing.T) {
	d := allUp(web(1), 1)
	take(d, down(id(1)))
	cfg := web(1)
	cfg.VirtualServers[0].RealServers[0].Checks = nil
	out := reload(d, cfg)
	expectEvents(t, out,
		"5 config virtual_server.web ->changed (0)",
		"6 real_server web/10.1.0.1:80 down->up (5)",
		"7 quorum web lost->gained (6)",
		"8 weight web/10.1.0.1:80 0->1 (6)")
	if diff := gocmp.Diff(map[string]sdk.TargetUpdate{"tcp": {Generation: 2, Removed: []string{id(1)}}}, out.Targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if types := d.CheckTypes(); len(types) > 0 {
		t.Errorf("check types %v", types)
	}
}

func TestAnotherScheduleKeepsTheVerdict(t *testing.T) {
	d := allUp(web(1), 1)
	cfg := web(1)
	cfg.VirtualServers[0].RealServers[0].Checks[0].Interval = time.Minute
	out := reload(d, cfg)
	u := out.Targets["tcp"]
	if len(u.Targets) != 1 || u.Targets[0].Initial != sdk.StateUp || u.Targets[0].Schedule.Interval != time.Minute || u.Full {
		t.Errorf("the target's update is %+v", u)
	}
	if out.Table.Generation != 0 {
		t.Errorf("the table changed: %+v", out.Table)
	}
	if diff := gocmp.Diff(Output{}, d.Step(Verdicts{Now: start, Verdicts: up(id(1)), Generation: 1})); diff != "" {
		t.Errorf("a verdict from before:\n%s", diff)
	}
	if d.Step(Verdicts{Now: start, Verdicts: down(id(1)), Generation: 1}).Table.Generation == 0 {
		t.Error("a verdict on the same probe was lost because it came with the old schedule")
	}
}

func TestChecksThatChangePlacesKeepTheirVerdicts(t *testing.T) {
	cfg := func(ports ...uint16) *config.Config {
		c := web(1)
		rs := c.VirtualServers[0].RealServers[0]
		rs.Checks = nil
		for _, p := range ports {
			rs.Checks = append(rs.Checks, &config.Check{Type: "tcp", Port: p})
		}
		return c
	}
	d, _ := New(cfg(1, 2), Seed{})
	take(d, up(id(1)), down(id(1)+"#2"))
	reload(d, cfg(2, 1))
	checks := d.Status().VirtualServers[0].RealServers[0].Checks
	if checks[0].Port != 2 || checks[0].State != sdk.StateDown || checks[1].Port != 1 || checks[1].State != sdk.StateUp {
		t.Errorf("got %+v", checks)
	}
}

func TestAnotherQuorumIsDecidedFromTheOldState(t *testing.T) {
	cfg := func(quorum, hysteresis uint64) *config.Config {
		c := web(1, 1, 1, 1)
		c.VirtualServers[0].Quorum, c.VirtualServers[0].Hysteresis = quorum, hysteresis
		c.VirtualServers[0].SorryServer = sorry("127.0.0.9:80")
		return c
	}
	d := allUp(cfg(4, 0), 4)
	expectEvents(t, reload(d, cfg(5, 1)), "1 config virtual_server.web ->changed (0)")
	expectQuorum(t, d, true, 4)
	expectEvents(t, reload(d, cfg(5, 0)),
		"2 config virtual_server.web ->changed (0)",
		"3 quorum web gained->lost (2)",
		"4 sorry_server web/127.0.0.9:80 out->in (3)",
		"5 weight web/10.1.0.1:80 1->0 (3)",
		"6 weight web/10.1.0.2:80 1->0 (3)",
		"7 weight web/10.1.0.3:80 1->0 (3)",
		"8 weight web/10.1.0.4:80 1->0 (3)")
	expectTable(t, d, "9=1")
}

func TestASorryServerThatIsMovedOrRemovedWhileItIsIn(t *testing.T) {
	cfg := func(at string) *config.Config {
		c := web(1, 1)
		c.VirtualServers[0].Quorum = 2
		if at != "" {
			c.VirtualServers[0].SorryServer = sorry(at)
		}
		return c
	}
	d := allUp(cfg("127.0.0.8:80"), 2)
	take(d, down(id(1)))
	expectTable(t, d, "8=1")
	expectEvents(t, reload(d, cfg("127.0.0.9:80")),
		"7 config virtual_server.web ->changed (0)",
		"8 sorry_server web/127.0.0.8:80 in->out (7)",
		"9 sorry_server web/127.0.0.9:80 out->in (7)")
	expectTable(t, d, "9=1")
	expectEvents(t, reload(d, cfg("")),
		"10 config virtual_server.web ->changed (0)",
		"11 sorry_server web/127.0.0.9:80 in->out (10)",
		"12 weight web/10.1.0.2:80 0->1 (10)")
	expectTable(t, d, "2=1")
}

// Time-outs and sync daemons have no delta.
func TestChangedTimeoutsSendTheWholeTable(t *testing.T) {
	d := allUp(web(1), 1)
	cfg := web(1)
	cfg.IPVS.Timeouts.TCP = 15 * time.Minute
	cfg.IPVS.Sync = []config.Sync{{Interface: "eth1", ID: 51}}
	out := reload(d, cfg)
	expectUpdate(t, out, sdk.TableUpdate{Generation: 2, Full: true, Table: sdk.Table{
		Services: []sdk.Service{{Key: webKey, Name: "web", Scheduler: "wrr", Destinations: []sdk.Destination{dest(1, 1)}}},
		Timeouts: sdk.Timeouts{TCP: 15 * time.Minute},
		Sync:     []sdk.SyncDaemon{{Interface: "eth1", ID: 51}, {Backup: true, Interface: "eth1", ID: 51}},
	}})
	expectEvents(t, out, "1 config ipvs ->changed (0)")
	if got, want := out.Events[0].Reason, "timeouts tcp 0s -> 15m0s, sync changed"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

func TestNamedChecksComeChangeAndGo(t *testing.T) {
	cfg := func(port uint16, names ...string) *config.Config {
		c := web()
		for _, n := range names {
			c.Checks = append(c.Checks, &config.Check{Type: "tcp", Name: n, Port: port})
		}
		return c
	}
	d, _ := New(cfg(1, "a", "b"), Seed{})
	expectEvents(t, reload(d, cfg(1, "b", "c")), "1 config check.tcp.a ->removed (0)", "2 config check.tcp.c ->added (0)")
	expectEvents(t, reload(d, cfg(2, "c", "b")), "3 config check.tcp.c ->changed (0)", "4 config check.tcp.b ->changed (0)")
	expectEvents(t, reload(d, cfg(2, "b", "c")))
}
