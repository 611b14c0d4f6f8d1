package director

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// climbing returns web whose real servers climb for ten seconds.
func climbing(weights ...uint32) *config.Config {
	cfg := weighing(weights...)
	for _, rs := range cfg.VirtualServers[0].RealServers {
		rs.SlowStart = 10 * time.Second
	}
	return cfg
}

// at gives a director verdicts at so many seconds after the start.
func at(d *Director, seconds float64, vs ...[]sdk.Verdict) Output {
	now := start.Add(time.Duration(seconds * float64(time.Second)))
	if len(vs) == 0 {
		return d.Step(Tick{Now: now})
	}
	return d.Step(Verdicts{Now: now, Verdicts: vs[0]})
}

func TestAServerThatComesBackClimbsToItsWeight(t *testing.T) {
	d := allUp(climbing(20, 20), 2)
	at(d, 1, down(id(1)))
	expectTable(t, d, "2=20")
	out := at(d, 2, up(id(1)))
	expectTable(t, d, "1=1 2=20")
	expectEvents(t, out, "4 check web/10.1.0.1:80/tcp down->up (0)", "5 real_server web/10.1.0.1:80 down->up (4)", "6 weight web/10.1.0.1:80 0->1 (5)")
	if got, want := out.Events[2].Reason, "the real server is up, and climbs to 20 within 10s"; got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
	for i := 1; i < 10; i++ {
		if want := start.Add(time.Duration(i+2) * time.Second); !out.Wake.Equal(want) {
			t.Fatalf("after step %d it wants the next at %v", i, out.Wake.Sub(start))
		}
		if again := at(d, float64(i)+2-0.001); again.Table.Generation != 0 {
			t.Errorf("step %d comes before its second is over", i)
		}
		out = at(d, float64(i)+2)
		expectTable(t, d, fmt.Sprintf("1=%d 2=20", 2*i))
		expectEvents(t, out)
		if out.Table.Full || len(out.Table.Changed) != 1 {
			t.Errorf("step %d writes %+v", i, out.Table)
		}
		if w := d.Status().VirtualServers[0].RealServers[0].WeightReason; !strings.Contains(w, "slow start: it climbs to 20 until 05:00:12") {
			t.Errorf("the status says %q", w)
		}
	}
	out = at(d, 12)
	expectTable(t, d, "1=20 2=20")
	expectEvents(t, out, "7 weight web/10.1.0.1:80 18->20 (6)")
	if out.Events[0].Reason != "its slow start is over" || !out.Wake.IsZero() {
		t.Errorf("at the end: %+v", out)
	}
}

func TestLateAndManyTicksMakeNoMoreThanAStepASecond(t *testing.T) {
	d := allUp(climbing(1000, 1000), 2)
	at(d, 1, down(id(1)))
	at(d, 2, up(id(1)))
	writes := 0
	for ms := 2000; ms < 9000; ms += 10 {
		if at(d, float64(ms)/1000).Table.Generation != 0 {
			writes++
		}
	}
	if writes != 6 {
		t.Errorf("%d writes in 7 seconds", writes)
	}
	at(d, 60)
	expectTable(t, d, "1=1000 2=1000")
}

func TestTheQuorumDoesNotWaitForAClimb(t *testing.T) {
	cfg := climbing(10)
	cfg.VirtualServers[0].Quorum = 10
	cfg.VirtualServers[0].SorryServer = sorry("127.0.0.9:80")
	d := allUp(cfg, 1)
	at(d, 1, down(id(1)))
	expectTable(t, d, "9=1")
	at(d, 2, up(id(1)))
	expectTable(t, d, "1=1")
	expectQuorum(t, d, true, 10)
}

func TestAClimbAndAPartOfTheWeightCombine(t *testing.T) {
	d := allUp(climbing(40, 40), 2)
	at(d, 1, down(id(1)))
	at(d, 2, says(50, 1))
	at(d, 7)
	expectTable(t, d, "1=10 2=40") // half of 50 % of 40
	at(d, 7.5, says(0, 1))
	expectTable(t, d, "1=0 2=40")
	at(d, 8.5, says(100, 1))
	expectTable(t, d, "1=20 2=40") // of the last step
	at(d, 9)
	expectTable(t, d, "1=28 2=40")
	at(d, 9.5, down(id(1)))
	expectTable(t, d, "2=40")
	at(d, 10, up(id(1)))
	expectTable(t, d, "1=1 2=40")
}

func TestWhatIsThereFromTheStartOrHasWaitedDoesNotClimb(t *testing.T) {
	d, _ := New(climbing(20, 20), Seed{Now: start})
	at(d, 1, up(id(1), id(2)))
	expectTable(t, d, "1=20 2=20")

	cfg := climbing(20, 20)
	cfg.VirtualServers[0].Scheduler = "mh"
	d = allUp(cfg, 2)
	at(d, 1, down(id(1)))
	at(d, 2, up(id(1)))
	expectTable(t, d, "1=20 2=20")
}

func TestAServerThatAReloadAddsClimbs(t *testing.T) {
	d := allUp(climbing(20), 1)
	reload(d, climbing(20, 20))
	at(d, 2, up(id(2)))
	expectTable(t, d, "1=20 2=1")
	reloaded := climbing(20, 20)
	reloaded.VirtualServers[0].RealServers[0].Weight = 30
	at(d, 7)
	reload(d, reloaded)
	expectTable(t, d, "1=30 2=10")
	without := web(30, 20)
	reload(d, without)
	expectTable(t, d, "1=30 2=20")
}

func TestARestartGoesOnWithAClimb(t *testing.T) {
	d := allUp(climbing(20, 20), 2)
	at(d, 1, down(id(1)))
	at(d, 2, up(id(1)))
	at(d, 5)
	expectTable(t, d, "1=6 2=20")
	d, out := New(climbing(20, 20), Seed{Now: start.Add(time.Minute), Verdicts: d.Verdicts(), Held: observed(d.Table().Table)})
	expectTable(t, d, "1=6 2=20")
	if !out.Wake.Equal(start.Add(61 * time.Second)) {
		t.Errorf("it wants a tick at %v", out.Wake)
	}
	at(d, 61)
	expectTable(t, d, "1=8 2=20")
	at(d, 67)
	expectTable(t, d, "1=20 2=20")
}
