package director

import (
	"net/netip"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestTheStatusSaysWhatIsThoughtAndWhereItIsWritten(t *testing.T) {
	at := func(line int) config.Position { return config.Position{File: "a.hcl", Line: line} }
	cfg := web(3, 2)
	vs := cfg.VirtualServers[0]
	vs.Position, vs.Quorum, vs.Hysteresis, vs.OnFailure = at(1), 4, 1, config.Quiesce
	vs.SorryServer = sorry("127.0.0.9:80")
	vs.SorryServer.Position = at(8)
	for i, rs := range vs.RealServers {
		rs.Position, rs.Checks[0].Position = at(2+3*i), at(3+3*i)
	}
	cfg.Checks = []*config.Check{{Type: "script", Name: "nginx", Position: at(20)}}
	d, _ := New(cfg, Seed{Now: start, Verdicts: journal(up(id(1), id(2)))})
	failed := start.Add(30 * time.Second)
	d.Step(Verdicts{Now: start.Add(time.Minute), Verdicts: []sdk.Verdict{{TargetID: id(1), State: sdk.StateDown, Reason: "HTTP 503", Since: failed}}})

	server1, server2 := netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.1.0.2")
	want := Status{
		Generation: 2,
		VirtualServers: []VirtualServerStatus{{
			Name: "web", Position: at(1), Service: webKey, Scheduler: "wrr",
			Weight: 2, Quorum: 4, Hysteresis: 1, QuorumGained: false, Since: start.Add(time.Minute),
			Servers: 2, Up: 1,
			RealServers: []RealServerStatus{
				{
					Name: "10.1.0.1:80", Position: at(2), Address: server1, Port: 80, Forward: sdk.DR,
					State: sdk.StateDown, Reason: "HTTP 503", Since: start.Add(time.Minute), ConfiguredWeight: 3, InTable: true,
					Checks: []CheckStatus{{ID: id(1), Type: "tcp", Position: at(3), Address: server1, Port: 80, State: sdk.StateDown, Reason: "HTTP 503", Since: failed}},
				},
				{
					Name: "10.1.0.2:80", Position: at(5), Address: server2, Port: 80, Forward: sdk.DR,
					State: sdk.StateUp, Reason: "all its checks are up", Since: start, ConfiguredWeight: 2, InTable: true,
					Checks: []CheckStatus{{ID: id(2), Type: "tcp", Position: at(6), Address: server2, Port: 80, State: sdk.StateUp, Since: start}},
				},
			},
			SorryServer: &SorryServerStatus{Position: at(8), Address: netip.MustParseAddr("127.0.0.9"), Port: 80, In: true},
		}},
		Checks: []CheckStatus{{ID: "check.script.nginx", Type: "script", Name: "nginx", Position: at(20)}},
	}
	if diff := gocmp.Diff(want, d.Status(), addresses); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestVirtualServersAreToldPieceByPiece(t *testing.T) {
	cfg := web(1, 1)
	for _, name := range []string{"mail", "none", "dns"} {
		vs := web(1, 1, 1).VirtualServers[0]
		vs.Name, vs.Service.Port = name, uint16(1000+len(cfg.VirtualServers))
		if name == "none" {
			vs.RealServers = nil
		}
		cfg.VirtualServers = append(cfg.VirtualServers, vs)
	}
	d, _ := New(cfg, Seed{})
	all := d.Status().VirtualServers
	for _, tt := range []struct{ from, servers, want int }{
		{0, 1, 1}, // no virtual server is told in part
		{0, 2, 1},
		{0, 3, 2},
		{0, 6, 4}, // one without real servers comes with the next
		{2, 1, 2},
		{3, 100, 1},
		{4, 1, 0},
		{9, 1, 0},
	} {
		got := d.VirtualServers(tt.from, tt.servers, false)
		if want := all[min(tt.from, len(all)):min(tt.from+tt.want, len(all))]; len(got) != tt.want || gocmp.Diff(want, got, addresses) != "" && len(want) > 0 {
			t.Errorf("%d real servers from virtual server %d on: %d virtual servers, want %d", tt.servers, tt.from, len(got), tt.want)
		}
	}
	for i, vs := range d.VirtualServers(0, 100, true) {
		if vs.Name != all[i].Name || vs.Servers != len(all[i].RealServers) || vs.RealServers != nil {
			t.Errorf("in brief: %+v", vs)
		}
	}
}

func TestARestartKnowsSinceWhenAServerIsWhatItIs(t *testing.T) {
	cfg := web(1, 1)
	for _, rs := range cfg.VirtualServers[0].RealServers {
		rs.Checks = append(rs.Checks, &config.Check{Type: "http"})
	}
	at := func(id string, state sdk.State, minute int) sdk.Verdict {
		return sdk.Verdict{TargetID: id, State: state, Since: start.Add(time.Duration(minute) * time.Minute)}
	}
	d, _ := New(cfg, Seed{Now: start.Add(time.Hour), Verdicts: journal([]sdk.Verdict{
		at(id(1), sdk.StateUp, 1), at("web/10.1.0.1:80/http", sdk.StateUp, 2),
		at(id(2), sdk.StateDown, 4), at("web/10.1.0.2:80/http", sdk.StateDown, 3),
	})})
	for i, want := range []int{2, 3} {
		if got := d.Status().VirtualServers[0].RealServers[i].Since.Sub(start); got != time.Duration(want)*time.Minute {
			t.Errorf("server %d: since minute %v, want %d", i+1, got.Minutes(), want)
		}
	}
}

func TestWhyAServerIsTakenForWhatItIs(t *testing.T) {
	reason := func(d *Director) string { return d.Status().VirtualServers[0].RealServers[0].Reason }
	cfg := web(1)
	d, _ := New(cfg, Seed{})
	for _, tt := range []struct{ what, got, want string }{
		{"unknown", reason(d), "its checks are not yet known"},
		{"held", func() string { d, _ := New(cfg, Seed{Held: observed(TableOf(cfg))}); return reason(d) }(),
			"it was in the kernel's table at the start and its checks are not yet known"},
		{"trusted", func() string {
			cfg := web(1)
			cfg.VirtualServers[0].StartState = config.StartUp
			d, _ := New(cfg, Seed{})
			return reason(d)
		}(), `start_state is "up" and its checks are not yet known`},
		{"reloaded", func() string {
			d := allUp(cfg, 1)
			changed := web(1)
			changed.VirtualServers[0].RealServers[0].Checks[0].Port = 8080
			reload(d, changed)
			return reason(d)
		}(), "it was up before the reload and its new checks are not yet known"},
		{"down", func() string { d := allUp(cfg, 1); take(d, down(id(1))); return reason(d) }(), "HTTP 503"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.what, tt.got, tt.want)
		}
	}
}

func TestVerdictsAreToldPieceByPiece(t *testing.T) {
	cfg := web(1, 1, 1, 1)
	for _, rs := range cfg.VirtualServers[0].RealServers[:2] {
		rs.Checks = append(rs.Checks, &config.Check{Type: "http"})
	}
	d := allUp(cfg, 4)
	take(d, up("web/10.1.0.1:80/http"))
	whole := d.Verdicts()
	if len(whole) != 5 { // one is unknown
		t.Fatalf("%d verdicts", len(whole))
	}
	for most := 1; most <= 7; most++ {
		held, pieces := make(map[string]sdk.Verdict), 1
		for ; d.VerdictsFrom((pieces-1)*most, most, held); pieces++ {
		}
		if diff := gocmp.Diff(whole, held); diff != "" {
			t.Errorf("%d at a time (-want +got):\n%s", most, diff)
		}
		if want := (6 + most - 1) / most; pieces != want {
			t.Errorf("%d at a time: %d pieces, want %d", most, pieces, want)
		}
	}
}
