package director

import (
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// braking returns web with four real servers and a brake that engages when more than half fall within ten seconds.
func braking(action config.BrakeAction) *config.Config {
	cfg := weighing(1, 1, 1, 1)
	cfg.Director.Brake = config.Brake{Action: action, Share: 50, Minimum: 2, Within: 10 * time.Second, Limit: 30 * time.Second}
	return cfg
}

func TestWhenTooManyFallAtOnceTheirServersStay(t *testing.T) {
	d := allUp(braking(config.BrakeHold), 4)
	at(d, 1, down(id(1)))
	at(d, 5, down(id(2)))
	expectTable(t, d, "3=1 4=1") // half is not more than half
	out := at(d, 11, down(id(3)))
	expectTable(t, d, "1=1 2=1 3=1 4=1")
	expectEvents(t, out, "7 check web/10.1.0.3:80/tcp up->down (0)", "8 brake director released->holds (7)",
		"9 real_server web/10.1.0.1:80 down->up (8)", "10 real_server web/10.1.0.2:80 down->up (8)",
		"11 weight web/10.1.0.1:80 0->1 (9)", "12 weight web/10.1.0.2:80 0->1 (10)")
	if want := "3 of 4 targets that were up have gone down within 10s: the director suspects itself, and real servers stay as they were"; out.Events[1].Reason != want {
		t.Errorf("the reason is %q", out.Events[1].Reason)
	}
	out = at(d, 12, down(id(4)))
	expectTable(t, d, "1=1 2=1 3=1 4=1")
	expectEvents(t, out, "13 check web/10.1.0.4:80/tcp up->down (0)")
	s := d.Status()
	if s.Brake == nil || s.Brake.Held != 4 || s.Brake.Up != 0 || !s.Brake.Until.Equal(start.Add(41*time.Second)) {
		t.Errorf("the status has %+v", s.Brake)
	}
	if rs := s.VirtualServers[0].RealServers[3]; rs.Reason != "the brake holds it: HTTP 503" || !rs.Checks[0].Held || rs.Checks[0].State != sdk.StateDown {
		t.Errorf("the status of a held server is %+v", rs)
	}
}

func TestTheBrakeLetsGo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		do     func(d *Director) Output
		table  string
		reason string
	}{
		{"when few enough are down", func(d *Director) Output { return at(d, 5, up(id(1))) }, "1=1 4=1", "2 of 4 targets are still down"},
		{"after its time", func(d *Director) Output { return at(d, 31) }, "4=1", "it has held for 30s"},
		{"when an operator says so", func(d *Director) Output { return d.Step(LetGo{Now: start.Add(2 * time.Second)}) }, "4=1", "an operator says so"},
		{"when the configuration does", func(d *Director) Output {
			if out := reload(d, braking(config.BrakeOff)); !out.Wake.Equal(start.Add(time.Second)) {
				return out
			}
			return at(d, 1)
		}, "4=1", "the brake is off"},
		{"when its servers are gone", func(d *Director) Output {
			cfg := braking(config.BrakeHold)
			cfg.VirtualServers[0].RealServers = cfg.VirtualServers[0].RealServers[2:]
			reload(d, cfg)
			return at(d, 1)
		}, "4=1", "1 of 2 targets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := allUp(braking(config.BrakeHold), 4)
			out := at(d, 1, down(id(1), id(2), id(3)))
			expectTable(t, d, "1=1 2=1 3=1 4=1")
			if !out.Wake.Equal(start.Add(31 * time.Second)) {
				t.Errorf("it wants a tick at %v", out.Wake)
			}
			out = tt.do(d)
			expectTable(t, d, tt.table)
			var said string
			for _, e := range out.Events {
				if e.Kind == "brake" && e.From == "holds" && e.To == "released" {
					said = e.Reason
				}
			}
			if !strings.HasPrefix(said, tt.reason) {
				t.Errorf("it says %q", said)
			}
			if again := at(d, 32); len(again.Events) > 0 || d.Status().Brake != nil || !again.Wake.IsZero() {
				t.Errorf("afterwards: %+v", again)
			}
			at(d, 33, down(id(4))) // what has fallen before counts no more
			if d.Status().Brake != nil {
				t.Error("it holds again after one more")
			}
		})
	}
}

func TestFallsThatAreFarApartOrFewDoNotCount(t *testing.T) {
	d := allUp(braking(config.BrakeHold), 4)
	for i := range 4 {
		at(d, float64(1+11*i), down(id(i+1)))
	}
	expectTable(t, d, "")
	cfg := braking(config.BrakeHold)
	cfg.Director.Brake.Minimum = 5
	d = allUp(cfg, 4)
	at(d, 1, down(id(1), id(2), id(3), id(4)))
	expectTable(t, d, "")
}

func TestAServerThatWasDownBeforeIsNotHeld(t *testing.T) {
	d := allUp(braking(config.BrakeHold), 4)
	at(d, 1, down(id(1)))
	at(d, 20, down(id(2), id(3)))
	expectTable(t, d, "2=1 3=1 4=1")
}

func TestActSaysItAndLetsThemFall(t *testing.T) {
	d := allUp(braking(config.BrakeAct), 4)
	out := at(d, 1, down(id(1), id(2), id(3)))
	expectTable(t, d, "4=1")
	if e := out.Events[3]; e.Kind != "brake" || e.To != "acts" || e.Cause != 3 {
		t.Errorf("it says %+v", e)
	}
	if out := at(d, 2, down(id(4))); len(out.Events) != 4 {
		t.Errorf("it says it again: %v", out.Events)
	}
}

func TestWhatIsHeldKeepsItsPartOfTheWeightAndDoesNotClimb(t *testing.T) {
	cfg := braking(config.BrakeHold)
	for _, rs := range cfg.VirtualServers[0].RealServers {
		rs.Weight, rs.SlowStart = 10, 10*time.Second
	}
	d := allUp(cfg, 4)
	at(d, 1, says(50, 1))
	at(d, 2, down(id(1)))
	at(d, 3, down(id(2), id(3), id(4)))
	expectTable(t, d, "1=5 2=10 3=10 4=10")
}

func TestARestartDoesNotLetGo(t *testing.T) {
	d := allUp(braking(config.BrakeHold), 4)
	at(d, 1, down(id(1), id(2), id(3)))
	d, _ = New(braking(config.BrakeHold), Seed{Now: start.Add(time.Minute), Verdicts: d.Verdicts(), Held: observed(d.Table().Table)})
	expectTable(t, d, "1=1 2=1 3=1 4=1")
	at(d, 61, down(id(1), id(2), id(3)))
	expectTable(t, d, "1=1 2=1 3=1 4=1")
	if d.Status().Brake == nil {
		t.Error("it does not hold")
	}
}

func TestTrackedChecksAreNotHeld(t *testing.T) {
	cfg := braking(config.BrakeHold)
	shared := &config.Check{Type: "tcp", Name: "uplink", Interval: time.Second, Timeout: time.Second, Fall: 3, Rise: 1}
	cfg.Checks = []*config.Check{shared}
	rs := cfg.VirtualServers[0].RealServers[0]
	rs.Checks = append(rs.Checks, shared)
	cfg.VRRPInstances = []*config.VRRPInstance{{Name: "VI_1", Interface: "eth0", VirtualRouterID: 1, Priority: 100, Track: []config.Track{{Check: shared}}}}
	all := []string{id(1), id(2), id(3), id(4), "check.tcp.uplink"}
	d, _ := New(cfg, Seed{Now: start, Adopts: true, Verdicts: journal(up(all...))})
	if fault := d.Instances()[0].Fault; fault != "" {
		t.Fatalf("at the start: %s", fault)
	}
	at(d, 1, down(all...))
	expectTable(t, d, "2=1 3=1 4=1")
	if d.Instances()[0].Fault == "" {
		t.Error("the instance may still be master")
	}
}
