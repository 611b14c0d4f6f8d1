package director

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// web returns a configuration of one virtual server, "web", with a real server of each weight. They are 10.1.0.1:80,
// 10.1.0.2:80 … and have one tcp check.
func web(weights ...uint32) *config.Config {
	vs := &config.VirtualServer{
		Name:       "web",
		Service:    config.ServiceAddress{Address: netip.MustParseAddr("192.0.2.1"), Port: 80, Protocol: "tcp"},
		Scheduler:  "wrr",
		Quorum:     1,
		OnFailure:  config.Remove,
		StartState: config.StartDown,
	}
	for i, w := range weights {
		vs.RealServers = append(vs.RealServers, realServerOf(i+1, w))
	}
	return &config.Config{VirtualServers: []*config.VirtualServer{vs}}
}

func realServerOf(n int, weight uint32) *config.RealServer {
	s := &config.RealServer{Address: netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}), Port: 80, Forward: config.DR, Weight: weight}
	s.Name = fmt.Sprintf("%v:80", s.Address)
	s.Checks = []*config.Check{{Type: "tcp", Interval: time.Second, Timeout: time.Second, Fall: 3, Rise: 1}}
	return s
}

func sorry(address string) *config.SorryServer {
	at := netip.MustParseAddrPort(address)
	return &config.SorryServer{Address: at.Addr(), Port: at.Port(), Forward: config.DR}
}

// id returns the target ID of real server n's check in web.
func id(n int) string { return fmt.Sprintf("web/%v:80/tcp", realServerOf(n, 1).Address) }

func up(ids ...string) []sdk.Verdict   { return verdicts(sdk.StateUp, "", ids) }
func down(ids ...string) []sdk.Verdict { return verdicts(sdk.StateDown, "HTTP 503", ids) }

func verdicts(state sdk.State, reason string, ids []string) []sdk.Verdict {
	var vs []sdk.Verdict
	for _, id := range ids {
		vs = append(vs, sdk.Verdict{TargetID: id, State: state, Reason: reason, Since: start})
	}
	return vs
}

// journal returns verdicts as the journal holds them.
func journal(lists ...[]sdk.Verdict) map[string]sdk.Verdict {
	m := make(map[string]sdk.Verdict)
	for _, l := range lists {
		for _, v := range l {
			m[v.TargetID] = v
		}
	}
	return m
}

// allUp returns web's director with all n servers up.
func allUp(cfg *config.Config, n int) *Director {
	var ids []string
	for i := range n {
		ids = append(ids, id(i+1))
	}
	d, _ := New(cfg, Seed{Now: start, Verdicts: journal(up(ids...))})
	return d
}

func take(d *Director, lists ...[]sdk.Verdict) Output {
	var all []sdk.Verdict
	for _, l := range lists {
		all = append(all, l...)
	}
	return d.Step(Verdicts{Now: start.Add(time.Second), Verdicts: all})
}

func reload(d *Director, cfg *config.Config) Output {
	return d.Step(Configure{Now: start.Add(time.Second), Config: cfg})
}

// inTable writes the destinations of the first service as "1=3 2=0": the last byte of the address, and the weight.
func inTable(t sdk.Table) string {
	var s []string
	for _, dest := range t.Services[0].Destinations {
		b := dest.Address.As16()
		s = append(s, fmt.Sprintf("%d=%d", b[15], dest.Weight))
	}
	return strings.Join(s, " ")
}

func expectTable(t testing.TB, d *Director, want string) {
	t.Helper()
	if got := inTable(d.Table().Table); got != want {
		t.Errorf("the table has %q, want %q", got, want)
	}
}

// text writes events as "2 real_server web/10.1.0.1:80 up->down (1)", the cause at the end.
func text(events []sdk.Event) []string {
	var s []string
	for _, e := range events {
		s = append(s, fmt.Sprintf("%d %s %s %s->%s (%d)", e.ID, e.Kind, e.Subject, e.From, e.To, e.Cause))
	}
	return s
}

func expectEvents(t testing.TB, out Output, want ...string) {
	t.Helper()
	if diff := gocmp.Diff(want, text(out.Events)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestARealServerIsUpWhenAllItsChecksAreUp(t *testing.T) {
	cfg := web(1, 1)
	second := &config.Check{Type: "http", Port: 8080}
	cfg.VirtualServers[0].RealServers[0].Checks = append(cfg.VirtualServers[0].RealServers[0].Checks, second)
	d, _ := New(cfg, Seed{Now: start})
	expectTable(t, d, "")
	take(d, up(id(1)))
	expectTable(t, d, "")
	take(d, up("web/10.1.0.1:80/http"))
	expectTable(t, d, "1=1")
	take(d, down(id(1)))
	expectTable(t, d, "")
	take(d, down("web/10.1.0.1:80/http"))
	take(d, up(id(1)))
	expectTable(t, d, "")
	take(d, up("web/10.1.0.1:80/http"), up(id(2)))
	expectTable(t, d, "1=1 2=1")
}

func TestARealServerWithoutChecksIsUp(t *testing.T) {
	cfg := web(3)
	cfg.VirtualServers[0].RealServers[0].Checks = nil
	d, _ := New(cfg, Seed{Now: start})
	expectTable(t, d, "1=3")
}

func TestBeforeTheFirstVerdict(t *testing.T) {
	held := func(weight uint32) []sdk.ObservedService {
		table := TableOf(web(weight))
		return observed(table)
	}
	for _, tt := range []struct {
		name       string
		start      config.StartState
		configured uint32
		seed       Seed
		want       string
	}{
		{"start_state down gives no traffic", config.StartDown, 3, Seed{}, ""},
		{"start_state up trusts it", config.StartUp, 3, Seed{}, "1=3"},
		{"the kernel's word comes before start_state", config.StartDown, 3, Seed{Held: held(2)}, "1=3"},
		{"but not a weight of 0", config.StartDown, 3, Seed{Held: held(0)}, ""},
		{"unless that is what is configured", config.StartDown, 0, Seed{Held: held(0)}, "1=0"},
		{"a journalled verdict comes before start_state", config.StartUp, 3, Seed{Verdicts: journal(down(id(1)))}, ""},
		{"and before the kernel's word", config.StartDown, 3, Seed{Verdicts: journal(down(id(1))), Held: held(3)}, ""},
		{"a good one too", config.StartDown, 3, Seed{Verdicts: journal(up(id(1)))}, "1=3"},
		{"an unknown one is none", config.StartUp, 3, Seed{Verdicts: journal(verdicts(sdk.StateUnknown, "", []string{id(1)}))}, "1=3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := web(tt.configured)
			cfg.VirtualServers[0].StartState = tt.start
			d, out := New(cfg, tt.seed)
			expectTable(t, d, tt.want)
			expectEvents(t, out)
			if known := len(tt.seed.Verdicts) > 0 && tt.seed.Verdicts[id(1)].State != sdk.StateUnknown; !known {
				take(d, down(id(1)))
				expectTable(t, d, "")
			}
		})
	}
}

func TestTheKernelsKeysAreReadInItsOwnSpelling(t *testing.T) {
	held := observed(TableOf(web(3)))
	held[0].Key.Address = netip.AddrFrom16(held[0].Key.Address.As16())
	held[0].Key.IPv6 = true
	held[0].Destinations[0].Address = netip.AddrFrom16(held[0].Destinations[0].Address.As16())
	d, _ := New(web(3), Seed{Held: held})
	expectTable(t, d, "1=3")
}

func TestOnFailure(t *testing.T) {
	for _, tt := range []struct {
		onFailure config.OnFailure
		want      string
	}{{config.Remove, "2=2"}, {config.Quiesce, "1=0 2=2"}} {
		cfg := web(3, 2)
		cfg.VirtualServers[0].OnFailure = tt.onFailure
		d := allUp(cfg, 2)
		take(d, down(id(1)))
		expectTable(t, d, tt.want)
		take(d, up(id(1)))
		expectTable(t, d, "1=3 2=2")
	}
}

func TestAWeightOf0KeepsTheServerInTheTableAndCountsNothing(t *testing.T) {
	cfg := web(0, 1)
	d := allUp(cfg, 2)
	expectTable(t, d, "1=0 2=1")
	take(d, down(id(2)))
	expectTable(t, d, "1=0")
	if vs := d.Status().VirtualServers[0]; vs.QuorumGained || vs.Weight != 0 {
		t.Errorf("quorum gained: %v, weight %d", vs.QuorumGained, vs.Weight)
	}
	take(d, down(id(1)))
	expectTable(t, d, "")
}

func TestADrainedServerKeepsItsConnectionsWhileTheSorryServerIsIn(t *testing.T) {
	cfg := web(0, 1)
	cfg.VirtualServers[0].SorryServer = sorry("127.0.0.9:80")
	d := allUp(cfg, 2)
	take(d, down(id(2)))
	expectTable(t, d, "1=0 9=1")
}

func TestAVerdictNobodyAskedForChangesNothing(t *testing.T) {
	d := allUp(web(1), 1)
	before := d.Status()
	for _, v := range [][]sdk.Verdict{
		down("web/10.9.9.9:80/tcp"),
		down(""),
		verdicts(sdk.StateUnknown, "just started", []string{id(1)}),
		verdicts(sdk.State(77), "", []string{id(1)}),
		up(id(1)),
	} {
		if diff := gocmp.Diff(Output{}, take(d, v)); diff != "" {
			t.Errorf("%v:\n%s", v, diff)
		}
	}
	if diff := gocmp.Diff(before, d.Status(), addresses); diff != "" {
		t.Errorf("the status (-before +after):\n%s", diff)
	}
}

func TestOfSeveralVerdictsOnATargetTheLastCounts(t *testing.T) {
	d := allUp(web(1), 1)
	if diff := gocmp.Diff(Output{}, take(d, down(id(1)), up(id(1)))); diff != "" {
		t.Errorf("down and up again:\n%s", diff)
	}
	expectEvents(t, take(d, down(id(1)), up(id(1)), down(id(1))),
		"1 check web/10.1.0.1:80/tcp up->down (0)",
		"2 real_server web/10.1.0.1:80 up->down (1)",
		"3 quorum web gained->lost (2)",
		"4 weight web/10.1.0.1:80 1->0 (2)")
}

func TestAVerdictOnAProbeThatIsNoMoreChangesNothing(t *testing.T) {
	d := allUp(web(1), 1)
	cfg := web(1)
	cfg.VirtualServers[0].RealServers[0].Checks[0].Port = 8080
	out := reload(d, cfg)
	old := Verdicts{Now: start, Verdicts: down(id(1)), Generation: out.Targets["tcp"].Generation - 1}
	if diff := gocmp.Diff(Output{}, d.Step(old)); diff != "" {
		t.Errorf("a verdict on port 80 after the reload:\n%s", diff)
	}
	old.Generation++
	d.Step(old)
	expectTable(t, d, "")
}

// What a plugin has to say is kept within the contract's bound, and is still text.
func TestALongReasonIsCut(t *testing.T) {
	d := allUp(web(1), 1)
	v := down(id(1))
	v[0].Reason = strings.Repeat("\u00e9", 600)
	out := take(d, v)
	if got := out.Events[0].Reason; got != strings.Repeat("\u00e9", 256) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	v[0].Reason = "x" + v[0].Reason
	take(d, v)
	if got := d.Verdicts()[id(1)].Reason; got != "x"+strings.Repeat("\u00e9", 255) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestAStateThatGoesOnKeepsItsBeginning(t *testing.T) {
	d := allUp(web(1), 1)
	take(d, down(id(1)))
	again := sdk.Verdict{TargetID: id(1), State: sdk.StateDown, Reason: "HTTP 500", Since: start.Add(time.Hour)}
	take(d, []sdk.Verdict{again})
	want := sdk.Verdict{TargetID: id(1), State: sdk.StateDown, Reason: "HTTP 500", Since: start}
	if diff := gocmp.Diff(want, d.Verdicts()[id(1)]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	again.Reason = ""
	take(d, []sdk.Verdict{again})
	if diff := gocmp.Diff(want, d.Verdicts()[id(1)]); diff != "" {
		t.Errorf("a verdict without a reason (-want +got):\n%s", diff)
	}
}
