package director

import (
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// weighing returns web with checks that weigh.
func weighing(weights ...uint32) *config.Config {
	cfg := web(weights...)
	for _, rs := range cfg.VirtualServers[0].RealServers {
		rs.Checks[0].Weighs = true
	}
	return cfg
}

// says is the verdict of real server n's check that it is up with a part of its weight.
func says(percent, n int) []sdk.Verdict {
	v := up(id(n))
	v[0].Factor, v[0].Reason = sdk.FactorOf(percent), fmt.Sprintf("the agent says %d%%", percent)
	return v
}

func TestAPartOfAWeightIsRoundedAndNeverNothing(t *testing.T) {
	for _, tt := range []struct {
		weight  uint32
		percent int
		want    uint32
	}{
		{3, 100, 3}, {3, 33, 1}, {3, 50, 2}, {3, 49, 1}, {3, 1, 1}, {3, 0, 0}, {0, 500, 0}, {1, 1, 1}, {100, 250, 250},
		{1000, 75, 750}, {mostWeight, 100, mostWeight}, {mostWeight, 1000, mostWeight}, {mostWeight, 50, 1073741824},
	} {
		if got := part(tt.weight, sdk.FactorOf(tt.percent)); got != tt.want {
			t.Errorf("%d %% of %d is %d, want %d", tt.percent, tt.weight, got, tt.want)
		}
	}
	if got := part(7, 0); got != 7 {
		t.Errorf("when nothing is said, 7 is %d", got)
	}
}

func TestAWeightIsAPartOfTheConfiguredOneAndSaysWhy(t *testing.T) {
	d := allUp(weighing(3, 2), 2)
	out := take(d, says(33, 1))
	expectTable(t, d, "1=1 2=2")
	expectEvents(t, out, "1 factor web/10.1.0.1:80/tcp none->33% (0)", "2 weight web/10.1.0.1:80 3->1 (1)")
	if got, want := out.Events[1].Reason, "33% of its weight: the agent says 33%"; got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
	if n := len(out.Table.Changed); n != 1 || out.Table.Full {
		t.Errorf("%d servers change in the table, which is sent as a whole: %v", n, out.Table.Full)
	}
	for range 3 {
		out = take(d, says(33, 1))
		expectEvents(t, out, nil...)
	}
	expectTable(t, d, "1=1 2=2")
	take(d, says(66, 1))
	expectTable(t, d, "1=2 2=2")
	out = take(d, says(200, 1))
	expectTable(t, d, "1=6 2=2")
	expectEvents(t, out, "5 factor web/10.1.0.1:80/tcp 66%->200% (0)", "6 weight web/10.1.0.1:80 2->6 (5)")
	out = take(d, up(id(1)))
	expectTable(t, d, "1=3 2=2")
	if got, want := out.Events[1].Reason, "its whole weight: no check says otherwise any more"; got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
	if got := d.Verdicts()[id(1)].Reason; got != "" {
		t.Errorf("of the check there is still the reason %q", got)
	}
}

func TestOfSeveralChecksTheSmallestPartCounts(t *testing.T) {
	cfg := weighing(10)
	rs := cfg.VirtualServers[0].RealServers[0]
	rs.Checks = append(rs.Checks, &config.Check{Type: "agent", Weighs: true}, &config.Check{Type: "http"})
	agent, http := "web/10.1.0.1:80/agent", "web/10.1.0.1:80/http"
	other := func(percent int) []sdk.Verdict {
		v := says(percent, 1)
		v[0].TargetID = agent
		return v
	}
	d, _ := New(cfg, Seed{Now: start, Verdicts: journal(up(id(1), agent, http))})
	for _, tt := range []struct {
		verdicts []sdk.Verdict
		want     string
	}{
		{other(150), "1=15"}, {says(50, 1), "1=5"}, {other(20), "1=2"}, {says(0, 1), "1=0"}, {up(id(1)), "1=2"}, {up(agent), "1=10"},
	} {
		take(d, tt.verdicts)
		expectTable(t, d, tt.want)
	}
}

func TestADrainedServerStaysInTheTableAndCountsNothingForTheQuorum(t *testing.T) {
	cfg := weighing(3, 1)
	cfg.VirtualServers[0].SorryServer = sorry("127.0.0.9:80")
	d := allUp(cfg, 2)
	take(d, says(0, 1))
	expectTable(t, d, "1=0 2=1")
	expectQuorum(t, d, true, 1)
	out := take(d, says(0, 2))
	expectTable(t, d, "1=0 2=0 9=1")
	expectQuorum(t, d, false, 0)
	expectEvents(t, out, "3 factor web/10.1.0.2:80/tcp none->0% (0)", "4 quorum web gained->lost (3)",
		"5 sorry_server web/127.0.0.9:80 out->in (4)", "6 weight web/10.1.0.2:80 1->0 (3)")
	take(d, down(id(1)))
	expectTable(t, d, "2=0 9=1")
	take(d, says(50, 2))
	expectTable(t, d, "2=1")
	expectQuorum(t, d, true, 1)
}

func TestAServerComesUpWithItsPart(t *testing.T) {
	d, _ := New(weighing(4), Seed{Now: start})
	out := take(d, says(50, 1))
	expectTable(t, d, "1=2")
	expectEvents(t, out, "1 check web/10.1.0.1:80/tcp unknown->up (0)", "2 real_server web/10.1.0.1:80 unknown->up (1)",
		"3 quorum web lost->gained (2)", "4 weight web/10.1.0.1:80 0->2 (2)")
	if got, want := out.Events[3].Reason, "the real server is up, 50% of its weight: the agent says 50%"; got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
}

func TestAServerWhosePartIsKnownBeforeItIsUpSaysSoThen(t *testing.T) {
	cfg := weighing(4)
	rs := cfg.VirtualServers[0].RealServers[0]
	rs.Checks = append(rs.Checks, &config.Check{Type: "http"})
	d, _ := New(cfg, Seed{Now: start})
	take(d, says(50, 1)) // and the other check is still unknown
	expectTable(t, d, "")
	out := take(d, up("web/10.1.0.1:80/http"))
	expectTable(t, d, "1=2")
	last := out.Events[len(out.Events)-1]
	if got, want := last.Reason, "the real server is up, 50% of its weight: the agent says 50%"; got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
}

func TestOnlyATypeThatDeclaresItWeighs(t *testing.T) {
	d := allUp(web(3), 1)
	expectEvents(t, take(d, says(33, 1)), nil...)
	expectTable(t, d, "1=3")
}

func TestUnderMHOnlyADrainChangesAWeight(t *testing.T) {
	cfg := weighing(3, 3)
	cfg.VirtualServers[0].Scheduler = "mh"
	d := allUp(cfg, 2)
	if out := take(d, says(33, 1)); out.Table.Generation != 0 {
		t.Errorf("the table changes: %+v", out.Table)
	}
	take(d, says(0, 1))
	expectTable(t, d, "1=0 2=3")
	take(d, says(10, 1))
	expectTable(t, d, "1=3 2=3")
}

func TestAPartIsOfTheWeightThatIsConfiguredNow(t *testing.T) {
	d := allUp(weighing(2), 1)
	take(d, says(50, 1))
	expectTable(t, d, "1=1")
	out := reload(d, weighing(10))
	expectTable(t, d, "1=5")
	if got, want := out.Events[len(out.Events)-1].Reason, "the configuration has changed"; got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
}

func TestAChangedCheckLeavesTheServerItsPartUntilItIsKnown(t *testing.T) {
	d := allUp(weighing(10), 1)
	take(d, says(0, 1))
	cfg := weighing(10)
	cfg.VirtualServers[0].RealServers[0].Checks[0].Port = 8080
	reload(d, cfg)
	expectTable(t, d, "1=0")
	take(d, says(30, 1))
	expectTable(t, d, "1=3")
}

func TestARestartKeepsThePart(t *testing.T) {
	cfg := weighing(10, 10, 10)
	d := allUp(cfg, 3)
	take(d, says(30, 1), says(0, 2))
	held := observed(d.Table().Table)
	again, _ := New(cfg, Seed{Now: start, Verdicts: d.Verdicts(), Held: held})
	expectTable(t, again, "1=3 2=0 3=10")
	if got := again.Targets("tcp").Targets[0].Factor; got != sdk.FactorOf(30) {
		t.Errorf("the plugin is told that it is %v", got)
	}
	forgotten, _ := New(cfg, Seed{Now: start, Held: held})
	expectTable(t, forgotten, "1=3 2=0 3=10")
	take(forgotten, up(id(1)), says(50, 2))
	expectTable(t, forgotten, "1=10 2=5 3=10")
}

func TestTheStatusSaysWhyAWeightIsNotTheConfiguredOne(t *testing.T) {
	d := allUp(weighing(3, 3), 2)
	take(d, says(33, 1), says(100, 2))
	var got []string
	for _, rs := range d.Status().VirtualServers[0].RealServers {
		got = append(got, fmt.Sprintf("%d of %d: %s", rs.Weight, rs.ConfiguredWeight, rs.WeightReason))
	}
	if diff := gocmp.Diff([]string{"1 of 3: 33% of its weight: the agent says 33%", "3 of 3: "}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAReasonInOtherWordsOfTheSamePartIsNoEvent(t *testing.T) {
	d := allUp(weighing(3), 1)
	take(d, says(33, 1))
	v := says(33, 1)
	v[0].Reason = "load 2.1 on 4 processors"
	out := d.Step(Verdicts{Now: start.Add(time.Minute), Verdicts: v})
	expectEvents(t, out, nil...)
	if got := d.Verdicts()[id(1)].Reason; got != v[0].Reason {
		t.Errorf("the reason held is %q", got)
	}
}
