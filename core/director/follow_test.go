package director

import (
	"net/netip"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestASyncThatFollowsNobodyRunsBothSides(t *testing.T) {
	group := netip.MustParseAddr("224.0.0.82")
	got := syncDaemons([]config.Sync{{Interface: "eth1", ID: 51, Group: group, Port: 8849, TTL: 2, MaxLength: 1400}}, nil)
	one := sdk.SyncDaemon{Interface: "eth1", ID: 51, Group: group, Port: 8849, TTL: 2, MaxLength: 1400}
	other := one
	other.Backup = true
	if diff := gocmp.Diff([]sdk.SyncDaemon{one, other}, got, addresses); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConnectionSynchronisationFollowsTheInstance(t *testing.T) {
	cfg := pair(by(1))
	cfg.IPVS.Sync = []config.Sync{{Interface: "eth1", ID: 51, Follow: "VI_1"}}
	d, out := New(cfg, Seed{Now: start})
	side := func(out Output, backup bool) {
		t.Helper()
		sync := out.Table.Table.Sync
		if len(sync) != 1 || sync[0].Backup != backup {
			t.Errorf("the sync daemons are %+v, want backup %v", sync, backup)
		}
	}
	side(out, true)
	if out := snapshot(d, sdk.VRRPBackup); out.Table.Generation != 0 {
		t.Errorf("the first word of the plugin changes the table: %+v", out.Table)
	}
	out = d.Step(moved(start, sdk.VRRPMaster, "VI_1"))
	side(out, false)
	if !out.Table.Full || out.Table.Generation != 2 {
		t.Errorf("the update is %+v", out.Table)
	}
	expectEvents(t, out, "1 vrrp_instance VI_1 backup->master (0)", "2 sync ipvs/51 backup->master (1)")
	if out := d.Step(moved(start, sdk.VRRPMaster, "VI_2")); out.Table.Generation != 0 {
		t.Errorf("another instance changes the table: %+v", out.Table)
	}
	side(d.Step(moved(start, sdk.VRRPFault, "VI_1")), true)
}

// following returns web, whose checks follow VI_1.
func following(n int) *config.Config {
	cfg := web(1)
	for range n - 1 {
		cfg.VirtualServers[0].RealServers = append(cfg.VirtualServers[0].RealServers, realServerOf(len(cfg.VirtualServers[0].RealServers)+1, 1))
	}
	vrrp := pair(by(1))
	cfg.VRRPInstances, cfg.Checks = vrrp.VRRPInstances, vrrp.Checks
	cfg.VirtualServers[0].ChecksFollow = "VI_1"
	return cfg
}

func TestChecksThatFollowAnInstanceRunBesideTheMasterOnly(t *testing.T) {
	d, out := New(following(2), Seed{Now: start, Verdicts: journal(up(id(1)), down(id(2)))})
	if u := out.Targets["tcp"]; len(u.Targets) != 0 || !u.Full || u.Generation != 1 {
		t.Errorf("before anybody is master these are probed: %+v", u)
	}
	if len(out.Targets["script"].Targets) != 1 {
		t.Error("a check with a name of its own rests, too")
	}
	expectTable(t, d, "1=1")
	take(d, down(id(1)), up(id(2))) // of a probe that was under way
	expectTable(t, d, "1=1")
	if s := d.Status().VirtualServers[0].Suspended; s != "its checks follow VI_1, which is not master here" {
		t.Errorf("the status says %q", s)
	}

	out = d.Step(moved(start, sdk.VRRPMaster, "VI_1"))
	expectEvents(t, out, "1 vrrp_instance VI_1 ->master (0)", "2 virtual_server web suspended->checked (1)")
	u := out.Targets["tcp"]
	if len(u.Targets) != 2 || u.Full || u.Targets[0].Initial != sdk.StateUp || u.Targets[1].Initial != sdk.StateDown {
		t.Errorf("the master probes %+v", u)
	}
	if _, there := out.Targets["script"]; there {
		t.Error("a check with a name of its own is told again")
	}
	d.Step(Verdicts{Now: start, Verdicts: down(id(1)), Generation: u.Generation - 1}) // from before
	expectTable(t, d, "1=1")
	d.Step(Verdicts{Now: start, Verdicts: up(id(2)), Generation: u.Generation})
	expectTable(t, d, "1=1 2=1")

	out = d.Step(moved(start, sdk.VRRPBackup, "VI_1"))
	if diff := gocmp.Diff([]string{id(1), id(2)}, out.Targets["tcp"].Removed); diff != "" {
		t.Errorf("the checks that rest (-want +got):\n%s", diff)
	}
	expectTable(t, d, "1=1 2=1")
}

func TestAReloadTellsWhatFollows(t *testing.T) {
	d, _ := New(following(1), Seed{Now: start})
	cfg := following(2)
	if out := reload(d, cfg); len(out.Targets) != 0 {
		t.Errorf("a real server whose checks rest is probed: %+v", out.Targets)
	}
	d.Step(moved(start, sdk.VRRPMaster, "VI_1"))
	cfg = following(2)
	cfg.VirtualServers[0].ChecksFollow = ""
	if out := reload(d, cfg); len(out.Targets) != 0 {
		t.Errorf("checks that run anyway are told again: %+v", out.Targets)
	}
	d.Step(moved(start, sdk.VRRPBackup, "VI_1"))
	if out := reload(d, following(2)); len(out.Targets["tcp"].Removed) != 2 {
		t.Errorf("checks that begin to follow a backup: %+v", out.Targets)
	}
	cfg = following(2)
	cfg.VirtualServers[0].ChecksFollow = ""
	if out := reload(d, cfg); len(out.Targets["tcp"].Targets) != 2 {
		t.Errorf("checks that follow no more: %+v", out.Targets)
	}
}
