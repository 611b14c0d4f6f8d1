package director

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// pair returns a configuration with the instances VI_1 and VI_2 of the group edge, and the check check.script.nginx, which
// VI_1 tracks.
func pair(weight *int) *config.Config {
	nginx := &config.Check{Type: "script", Name: "nginx"}
	of := func(name, address string) *config.VRRPInstance {
		return &config.VRRPInstance{
			Name: name, Interface: "eth0", VirtualRouterID: 51, Version: 3, Priority: 100, AdvertInterval: time.Second, Accept: true,
			Addresses: []config.VirtualAddress{{Prefix: netip.MustParsePrefix(address)}},
		}
	}
	one, two := of("VI_1", "192.0.2.1/24"), of("VI_2", "192.0.2.2/24")
	one.Track = []config.Track{{Check: nginx, Weight: weight}}
	return &config.Config{
		Checks:        []*config.Check{nginx},
		VRRPInstances: []*config.VRRPInstance{one, two},
		SyncGroups:    []*config.SyncGroup{{Name: "edge", Members: []*config.VRRPInstance{one, two}}},
	}
}

const nginxID = "check.script.nginx"

func by(n int) *int { return &n }

func moved(now time.Time, to sdk.VRRPState, names ...string) VRRP {
	in := VRRP{Now: now}
	for _, name := range names {
		in.Report.Transitions = append(in.Report.Transitions, sdk.VRRPTransition{Instance: name, To: to, Priority: 100, Reason: "it is so"})
	}
	return in
}

// snapshot tells a director that all instances are in a state.
func snapshot(d *Director, to sdk.VRRPState) Output {
	in := moved(start, to, "VI_1", "VI_2")
	in.Report.Snapshot = true
	return d.Step(in)
}

func TestWhatTheChecksMakeOfAnInstance(t *testing.T) {
	for _, c := range []struct {
		name     string
		weight   *int
		verdicts [][]sdk.Verdict
		change   int
		fault    string
	}{
		{name: "a positive weight is not added before the check has said something", weight: by(20)},
		{name: "a positive weight is added while it is up", weight: by(20), verdicts: [][]sdk.Verdict{up(nginxID)}, change: 20},
		{name: "a positive weight is not added while it is down", weight: by(20), verdicts: [][]sdk.Verdict{up(nginxID), down(nginxID)}},
		{name: "a negative weight is not subtracted before the check has said something", weight: by(-20)},
		{name: "a negative weight is not subtracted while it is up", weight: by(-20), verdicts: [][]sdk.Verdict{up(nginxID)}},
		{name: "a negative weight is subtracted while it is down", weight: by(-20), verdicts: [][]sdk.Verdict{down(nginxID)}, change: -20},
		{name: "without a weight the instance waits in FAULT for the first word", fault: "check.script.nginx is not yet known"},
		{name: "without a weight the instance may be master while it is up", verdicts: [][]sdk.Verdict{up(nginxID)}},
		{name: "without a weight it is in FAULT while it is down", verdicts: [][]sdk.Verdict{up(nginxID), down(nginxID)}, fault: "check.script.nginx is down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _ := New(pair(c.weight), Seed{Now: start})
			for _, vs := range c.verdicts {
				take(d, vs)
			}
			got := d.Instances()
			if got[0].PriorityChange != c.change || got[0].Fault != c.fault {
				t.Errorf("%+d and the fault %q, want %+d and %q", got[0].PriorityChange, got[0].Fault, c.change, c.fault)
			}
			if got[1].PriorityChange != 0 || got[1].Fault != "" {
				t.Errorf("an instance that does not track it has %+d and the fault %q", got[1].PriorityChange, got[1].Fault)
			}
		})
	}
}

func TestAGroupsTracksCountForEveryMember(t *testing.T) {
	cfg := pair(by(5))
	weight := -30
	cfg.Checks = append(cfg.Checks, &config.Check{Type: "tcp", Name: "db"})
	cfg.SyncGroups[0].Track = []config.Track{{Check: cfg.Checks[1], Weight: &weight}, {Interface: "eth1", Weight: by(7), UpDelay: time.Second, DownDelay: 2 * time.Second}}
	d, _ := New(cfg, Seed{Now: start})
	out := take(d, up(nginxID), down("check.tcp.db"))
	if len(out.Instances) != 2 || out.Instances[0].PriorityChange != -25 || out.Instances[1].PriorityChange != -30 {
		t.Errorf("the instances are %+v", out.Instances)
	}
	want := []sdk.TrackedInterface{{Name: "eth1", Weight: 7, UpDelay: time.Second, DownDelay: 2 * time.Second}}
	for _, v := range out.Instances {
		if diff := gocmp.Diff(want, v.Interfaces); diff != "" || v.SyncGroup != "edge" {
			t.Errorf("%s of group %q (-want +got):\n%s", v.Name, v.SyncGroup, diff)
		}
	}
}

func TestThePrioritySaysWhichCheckChangedIt(t *testing.T) {
	for _, c := range []struct {
		priority uint8
		weight   int
		to       string
	}{{100, -20, "80"}, {100, -253, "1"}, {1, -20, ""}, {255, -20, ""}} {
		cfg := pair(&c.weight)
		cfg.VRRPInstances[0].Priority = c.priority
		d, _ := New(cfg, Seed{Now: start})
		out := take(d, down(nginxID))
		if c.to == "" {
			expectEvents(t, out, "1 check check.script.nginx unknown->down (0)")
			continue
		}
		expectEvents(t, out, "1 check check.script.nginx unknown->down (0)", "2 vrrp_priority VI_1 100->"+c.to+" (1)")
		if r := out.Events[1].Reason; r != "check.script.nginx is down: HTTP 503" {
			t.Errorf("the reason is %q", r)
		}
	}
}

func TestATransitionIsAnEventWithItsCause(t *testing.T) {
	d, _ := New(pair(nil), Seed{Now: start})
	expectEvents(t, snapshot(d, sdk.VRRPBackup))
	take(d, up(nginxID)) // event 1
	at := start.Add(time.Minute)
	out := d.Step(moved(at, sdk.VRRPMaster, "VI_1"))
	expectEvents(t, out, "2 vrrp_instance VI_1 backup->master (0)")
	out = d.Step(moved(at, sdk.VRRPMaster, "VI_2"))
	expectEvents(t, out, "3 vrrp_instance VI_2 backup->master (0)", "4 vrrp_sync_group edge backup->master (3)")

	d.Step(Verdicts{Now: at, Verdicts: down(nginxID)}) // event 5
	out = d.Step(moved(at.Add(time.Millisecond), sdk.VRRPFault, "VI_1", "VI_2"))
	expectEvents(t, out, "6 vrrp_instance VI_1 master->fault (5)", "7 vrrp_instance VI_2 master->fault (5)", "8 vrrp_sync_group edge master->fault (7)")
	if out.Events[0].Reason != "it is so" {
		t.Errorf("the plugin's reason is lost: %q", out.Events[0].Reason)
	}
	expectEvents(t, d.Step(moved(at.Add(2*time.Millisecond), sdk.VRRPFault, "VI_1", "VI_9")))
	out = d.Step(moved(at.Add(time.Hour), sdk.VRRPBackup, "VI_1"))
	expectEvents(t, out, "9 vrrp_instance VI_1 fault->backup (0)")
}

func TestASuccessorThatTellsTheSameIsNoEvent(t *testing.T) {
	d, _ := New(pair(nil), Seed{Now: start})
	snapshot(d, sdk.VRRPMaster)
	expectEvents(t, snapshot(d, sdk.VRRPMaster))
	expectEvents(t, d.Step(VRRP{Now: start, Report: sdk.VRRPReport{Snapshot: true}})) // it does not know its instances yet
	if s := d.States()["VI_1"]; s != sdk.VRRPMaster {
		t.Errorf("VI_1 is %q", s)
	}
	expectEvents(t, snapshot(d, sdk.VRRPBackup),
		"1 vrrp_instance VI_1 master->backup (0)", "2 vrrp_instance VI_2 master->backup (0)", "3 vrrp_sync_group edge master->backup (2)")
}

func TestNoticesBeginAndEnd(t *testing.T) {
	d, _ := New(pair(nil), Seed{Now: start})
	rival := sdk.VRRPNotice{Instance: "VI_1", Kind: sdk.NoticeRival, Subject: "192.0.2.12", Text: "192.0.2.12 is master, too", Time: start}
	tell := func(snapshot bool, ns ...sdk.VRRPNotice) Output {
		return d.Step(VRRP{Now: start, Report: sdk.VRRPReport{Snapshot: snapshot, Notices: ns}})
	}
	expectEvents(t, tell(false, rival), "1 vrrp_notice VI_1 ->rival (0)")
	expectEvents(t, tell(true, rival))
	if got := d.Status().Instances[0].Notices; len(got) != 1 || got[0].Text != rival.Text {
		t.Errorf("the status has the notices %+v", got)
	}
	other := rival
	other.Subject = "192.0.2.13"
	expectEvents(t, tell(false, other), "2 vrrp_notice VI_1 ->rival (0)")
	ended := rival
	ended.Ended, ended.Text = true, ""
	out := tell(false, ended)
	expectEvents(t, out, "3 vrrp_notice VI_1 rival->ended (1)")
	if out.Events[0].Reason != rival.Text {
		t.Errorf("what has ended is %q", out.Events[0].Reason)
	}
	expectEvents(t, tell(false, ended))
	expectEvents(t, tell(true), "4 vrrp_notice VI_1 rival->ended (2)")
	if got := d.Status().Instances[0].Notices; len(got) != 0 {
		t.Errorf("the status still has the notices %+v", got)
	}
}

func TestAnOperatorsDecisionStandsUntilThereIsAnother(t *testing.T) {
	d, _ := New(pair(by(1)), Seed{Now: start, Released: []string{"VI_2"}})
	if got := d.Instances(); got[0].Released || !got[1].Released {
		t.Errorf("the instances are %+v", got)
	}
	out := d.Step(Release{Now: start, Instance: "VI_1", Released: true})
	expectEvents(t, out, "1 operator vrrp_instance.VI_1 ->released (0)")
	if !out.Instances[0].Released {
		t.Error("the plugin is not told")
	}
	out = d.Step(moved(start, sdk.VRRPBackup, "VI_1"))
	expectEvents(t, out, "2 vrrp_instance VI_1 ->backup (1)")
	if out := d.Step(Release{Now: start, Instance: "VI_1", Released: true}); !reflect.DeepEqual(out, Output{}) {
		t.Errorf("the same decision again gives %+v", out)
	}
	reload(d, &config.Config{})
	if diff := gocmp.Diff([]string{"VI_1", "VI_2"}, d.Released()); diff != "" {
		t.Errorf("after a reload without the instances (-want +got):\n%s", diff)
	}
	if out := reload(d, pair(by(1))); !out.Instances[0].Released || !out.Instances[1].Released {
		t.Errorf("the instances come back as %+v", out.Instances)
	}
	out = d.Step(Release{Now: start, Instance: "VI_2"})
	if out.Instances[1].Released || !out.Instances[0].Released {
		t.Errorf("after VI_2 was reclaimed: %+v", out.Instances)
	}
}

func TestAReloadAsksOnlyForWhatIsDifferent(t *testing.T) {
	d, out := New(pair(nil), Seed{Now: start})
	if len(out.Instances) != 2 {
		t.Fatalf("the first output asks for %+v", out.Instances)
	}
	if out := reload(d, pair(nil)); out.Instances != nil {
		t.Errorf("the same again: %+v", out.Instances)
	}
	cfg := pair(nil)
	cfg.VRRPInstances[0].Priority, cfg.VRRPInstances[0].Interface = 90, "eth1"
	out = reload(d, cfg)
	expectEvents(t, out, "1 config vrrp_instance.VI_1 ->changed (0)")
	if r := out.Events[0].Reason; r != "interface eth0 -> eth1, priority 100 -> 90" {
		t.Errorf("the reason is %q", r)
	}
	if len(out.Instances) != 2 || out.Instances[0].Priority != 90 {
		t.Errorf("asked for %+v", out.Instances)
	}
	cfg = pair(nil)
	cfg.VRRPInstances, cfg.SyncGroups = cfg.VRRPInstances[1:], nil
	out = reload(d, cfg)
	expectEvents(t, out, "2 config vrrp_instance.VI_1 ->removed (0)", "3 config vrrp_instance.VI_2 ->changed (0)", "4 config vrrp_sync_group.edge ->removed (0)")
	if len(out.Instances) != 1 {
		t.Errorf("asked for %+v", out.Instances)
	}
	out = reload(d, &config.Config{})
	if out.Instances == nil || len(out.Instances) != 0 {
		t.Errorf("without instances, asked for %+v", out.Instances)
	}
}

// Every attribute of an instance, also one that is new to the language, must be seen when it changes.
func TestNoChangedAttributeOfAnInstanceIsOverlooked(t *testing.T) {
	full := func() *config.Config {
		cfg := pair(by(1))
		v := cfg.VRRPInstances[0]
		v.UnicastPeers = []netip.Addr{netip.MustParseAddr("192.0.2.12")}
		v.Excluded = []config.VirtualAddress{{Prefix: netip.MustParsePrefix("192.0.2.9/24")}}
		v.Routes = []config.VirtualRoute{{Destination: netip.MustParsePrefix("198.51.100.0/24")}}
		v.Authentication = &config.Authentication{Type: "pass", Password: "secret"}
		return cfg
	}
	v := reflect.ValueOf(full().VRRPInstances[0]).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name == "Position" || name == "Name" {
			continue
		}
		cfg := full()
		field := reflect.ValueOf(cfg.VRRPInstances[0]).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("rfc5798")
		case reflect.Bool:
			field.SetBool(!field.Bool())
		case reflect.Uint8:
			field.SetUint(field.Uint() + 1)
		case reflect.Int64:
			field.SetInt(field.Int() + 1)
		case reflect.Slice, reflect.Pointer:
			field.SetZero()
		case reflect.Struct:
			if a, ok := field.Addr().Interface().(*netip.Addr); ok {
				*a = netip.MustParseAddr("192.0.2.77")
			} else if f := field.Field(0); f.Kind() == reflect.Bool {
				f.SetBool(!f.Bool())
			} else if f.CanUint() {
				f.SetUint(9)
			} else {
				f.SetInt(9)
			}
		}
		d, _ := New(full(), Seed{})
		out := reload(d, cfg)
		if len(out.Events) == 0 || out.Events[0].Kind != "config" || out.Events[0].Reason == "" {
			t.Errorf("%s was changed, and the events are %v", name, text(out.Events))
		}
		if out.Instances == nil && name != "Track" {
			t.Errorf("%s was changed, and the plugin is not told", name)
		}
	}
}

func TestAReloadMakesNoFailover(t *testing.T) {
	d, _ := New(pair(nil), Seed{Now: start})
	snapshot(d, sdk.VRRPMaster)
	take(d, up(nginxID))
	cfg := pair(nil)
	cfg.Checks[0].Port = 8080 // another probe, of which nothing is known
	cfg.Checks = append(cfg.Checks, &config.Check{Type: "tcp", Name: "new"})
	cfg.VRRPInstances[0].Track = append(cfg.VRRPInstances[0].Track, config.Track{Check: cfg.Checks[1]})
	reload(d, cfg)
	if fault := d.Instances()[0].Fault; fault != "" {
		t.Errorf("the reload made the fault %q", fault)
	}
	take(d, down("check.tcp.new"))
	if fault := d.Instances()[0].Fault; fault == "" {
		t.Error("the new check counts for nothing")
	}

	d, _ = New(pair(nil), Seed{Now: start})
	take(d, down(nginxID))
	cfg = pair(nil)
	cfg.Checks[0].Port = 8080
	reload(d, cfg)
	if fault := d.Instances()[0].Fault; fault == "" {
		t.Error("the reload took away a fault that nobody has taken back")
	}
}

func TestACoreThatFindsItsPluginChangesNothing(t *testing.T) {
	seed := Seed{Now: start, Verdicts: journal(up(nginxID)), States: map[string]sdk.VRRPState{"VI_1": sdk.VRRPMaster, "VI_2": sdk.VRRPMaster}}
	cfg := pair(nil)
	cfg.IPVS.Sync = []config.Sync{{Interface: "eth1", ID: 51, Follow: "VI_1"}}
	seed.Adopts = true
	d, out := New(cfg, seed)
	if out.Instances[0].Fault != "" {
		t.Errorf("a fault of nothing: %q", out.Instances[0].Fault)
	}
	if sync := out.Table.Table.Sync; len(sync) != 1 || sync[0].Backup {
		t.Errorf("beside a master run the sync daemons %+v", sync)
	}
	expectEvents(t, snapshot(d, sdk.VRRPMaster))

	seed.Adopts = false
	d, out = New(cfg, seed)
	if out.Instances[0].Fault != "check.script.nginx is not yet known" {
		t.Errorf("after a boot the fault is %q", out.Instances[0].Fault)
	}
	if sync := out.Table.Table.Sync; len(sync) != 1 || !sync[0].Backup {
		t.Errorf("after a boot run the sync daemons %+v", sync)
	}
	if len(d.States()) != 0 {
		t.Errorf("after a boot the states are %v", d.States())
	}
}
