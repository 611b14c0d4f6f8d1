package core

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// writePair writes a configuration with two instances, the first of which tracks a check, and a virtual server whose
// checks follow the second.
func (b *box) writePair(weight string) {
	b.t.Helper()
	b.writeText(fmt.Sprintf(`director {
  name = "lb1"
}
check "file" "alive" {
  interval = "20ms"
  timeout  = "20ms"
  fall     = 2
  path     = %q
}
vrrp_instance "VI_1" {
  interface         = "lo"
  virtual_router_id = 51
  virtual_addresses = ["192.0.2.1/32"]
  track {
    check = check.file.alive
%s  }
}
vrrp_instance "VI_2" {
  interface         = "lo"
  virtual_router_id = 52
  virtual_addresses = ["192.0.2.2/32"]
}
virtual_server "web" {
  address       = "192.0.2.2:80"
  protocol      = "tcp"
  forward       = "dr"
  checks_follow = vrrp_instance.VI_2
  check "file" {
    interval = "20ms"
    timeout  = "20ms"
    fall     = 2
    path     = %q
  }
  real_server "192.0.2.11:80" {}
}
`, filepath.Join(b.dir, "one"), weight, filepath.Join(b.dir, "two")))
}

// routers are the instances' states: "VI_1 master 100, VI_2 fault 100".
func routers(st *controlv1.StatusResponse) string {
	var out []string
	for _, v := range st.Vrrp.GetInstances() {
		out = append(out, fmt.Sprintf("%s %s %d", v.Name, v.State, v.Priority))
	}
	return strings.Join(out, ", ")
}

func (b *box) awaitRouters(want string) *controlv1.StatusResponse {
	b.t.Helper()
	return b.eventually(want, func(st *controlv1.StatusResponse) bool { return routers(st) == want })
}

// did waits for an event, written as "vrrp_instance VI_1 master->fault".
func (b *box) did(want string) *controlv1.EventsResponse {
	b.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		events := b.events()
		for _, e := range events {
			if fmt.Sprintf("%s %s %s->%s", e.Kind, e.Subject, e.From, e.To) == want {
				return e
			}
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%q did not happen, but %v", want, events)
		}
	}
}

func (b *box) command(action, instance string) (*controlv1.CommandVRRPResponse, error) {
	return b.CommandVRRP(b.t.Context(), &controlv1.CommandVRRPRequest{Instance: instance, Action: action})
}

func pidOf(st *controlv1.StatusResponse, name string) int32 {
	for _, p := range st.Plugins {
		if p.Name == name {
			return p.Pid
		}
	}
	return 0
}

func TestATrackedCheckMovesTheRoleAndComesBack(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
	b.up("one", false)
	b.awaitRouters("VI_1 fault 100, VI_2 master 100")
	cause := b.did("check check.file.alive up->down")
	if e := b.did("vrrp_instance VI_1 master->fault"); e.Cause != cause.Id || e.Reason != "check.file.alive is down" {
		t.Errorf("event %v is not because of %v", e, cause)
	}
	b.up("one", true)
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
}

func TestAWeightChangesThePriority(t *testing.T) {
	b := newBox(t)
	b.writePair("    weight = -20\n")
	b.start()
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
	b.up("one", false)
	b.awaitRouters("VI_1 master 80, VI_2 master 100")
	b.did("vrrp_priority VI_1 100->80")
}

func TestWhatAnOperatorSaysStandsOverARestart(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
	if r, err := b.command("release", "VI_1"); err != nil || r.Unchanged {
		t.Fatalf("releasing: %v, %v", r, err)
	}
	if r, err := b.command("release", "VI_1"); err != nil || !r.Unchanged {
		t.Errorf("releasing again: %v, %v", r, err)
	}
	b.awaitRouters("VI_1 backup 100, VI_2 master 100")
	if e, cause := b.did("vrrp_instance VI_1 master->backup"), b.did("operator vrrp_instance.VI_1 ->released"); e.Cause != cause.Id {
		t.Errorf("event %v is not because of %v", e, cause)
	}
	if _, err := b.command("garp", "VI_1"); err == nil || !strings.Contains(status.Convert(err).Message(), "vrrp_instance VI_1 is not master here (backup)") {
		t.Errorf("announcing what is not held: %v", err)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.awaitRouters("VI_1 backup 100, VI_2 master 100")
	if _, err := b.command("reclaim", "VI_1"); err != nil {
		t.Fatal(err)
	}
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
}

func TestAWordToAnInstanceThatIsNotThereSaysWhichThereAre(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
	for _, action := range []string{"release", "garp"} {
		_, err := b.command(action, "VI_9")
		if want := `there is no vrrp_instance "VI_9"; there are: VI_1, VI_2`; err == nil || status.Convert(err).Message() != want {
			t.Errorf("%s: %v, want %q", action, err, want)
		}
	}
	if r, err := b.command("reclaim", "VI_9"); err != nil || !r.Unchanged {
		t.Errorf("reclaiming what was never released: %v, %v", r, err)
	}
	if _, err := b.command("sing", "VI_1"); err == nil {
		t.Error("an instance sings")
	}
	if _, err := b.command("garp", "VI_1"); err != nil {
		t.Error(err)
	}
	b.did("vrrp_notice VI_1 ->rival")
	st := b.eventually("it is announced", func(st *controlv1.StatusResponse) bool { return st.Vrrp.Instances[0].Announced == 1 })
	if v := st.Vrrp.Instances[0]; v.Source != "192.0.2.11" || len(v.Held) != 1 || v.Held[0] != "192.0.2.1/32" || st.Vrrp.Privileges != "none" {
		t.Errorf("the status has %v", st.Vrrp)
	}
}

func TestARestartThatKeepsThePluginChangesNothing(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	before := b.awaitRouters("VI_1 master 100, VI_2 master 100")
	last := len(b.events())
	if _, err := b.Stop(t.Context(), &controlv1.StopRequest{Keep: true}); err != nil {
		t.Fatal(err)
	}
	b.stopped()
	b.start()
	after := b.awaitRouters("VI_1 master 100, VI_2 master 100")
	if was, is := pidOf(before, "vrrp"), pidOf(after, "vrrp"); was != is || was == 0 {
		t.Errorf("process %d was, and process %d is the plugin", was, is)
	}
	time.Sleep(200 * time.Millisecond)
	for i, v := range b.status().Vrrp.Instances {
		if v.BecameMaster != 1 || !v.Since.AsTime().Equal(before.Vrrp.Instances[i].Since.AsTime()) {
			t.Errorf("something happened to %v", v)
		}
	}
	for _, e := range b.events()[last:] {
		if strings.HasPrefix(e.Kind, "vrrp") || e.Kind == "sync" || e.Kind == "virtual_server" {
			t.Errorf("this happened: %v", e)
		}
	}
}

func TestAnEvenkeelThatStopsGivesItsAddressesAway(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
	held := filepath.Join(b.dir, "run", "keep", "vrrp", "held")
	if _, err := os.Stat(held); err != nil {
		t.Fatal(err)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(held); err == nil {
		t.Error("it stopped without release")
	}
}

func TestAKilledPluginHasASuccessorThatIsToldEverything(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	was := pidOf(b.awaitRouters("VI_1 master 100, VI_2 master 100"), "vrrp")
	p, err := os.FindProcess(int(was))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	t.Logf("killed at %s", began.Format("05.000000"))
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	b.eventually("a successor holds the addresses", func(st *controlv1.StatusResponse) bool {
		return pidOf(st, "vrrp") != was && routers(st) == "VI_1 master 100, VI_2 master 100" && st.Vrrp.Problem == ""
	})
	t.Logf("from the kill to a status with all instances: %s", time.Since(began))
}

func TestChecksThatFollowAnInstanceRestWhileItIsNotMaster(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
	b.eventually("the server is up", are("up 1"))
	if _, err := b.command("release", "VI_2"); err != nil {
		t.Fatal(err)
	}
	b.did("virtual_server web ->suspended")
	b.up("two", false)
	time.Sleep(200 * time.Millisecond)
	if st := b.status(); states(st) != "up 1" || st.VirtualServers[0].Suspended == "" {
		t.Errorf("while they rest the server is %q, suspended %q", states(st), st.VirtualServers[0].Suspended)
	}
	if _, err := b.command("reclaim", "VI_2"); err != nil {
		t.Fatal(err)
	}
	b.eventually("the server is down", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "down") })
}

func TestADryRunTakesNoPart(t *testing.T) {
	b := newBox(t)
	b.dryRun = true
	b.writePair("")
	b.start()
	st := b.status()
	if st.Vrrp.GetProblem() != "dry run: takes no part" || len(st.Vrrp.Instances) != 2 || pidOf(st, "vrrp") != 0 {
		t.Errorf("the status has %v", st.Vrrp)
	}
	if _, err := b.command("release", "VI_1"); err == nil {
		t.Error("it takes a part")
	}
}

func TestInstancesThatAReloadTakesAwayAreGivenUp(t *testing.T) {
	b := newBox(t)
	b.writePair("")
	b.start()
	b.awaitRouters("VI_1 master 100, VI_2 master 100")
	b.write(3)
	if r, err := b.Reload(t.Context(), &controlv1.ReloadRequest{}); err != nil || !r.Ok {
		t.Fatalf("reloading: %v, %v", r, err)
	}
	b.eventually("the plugin is gone", func(st *controlv1.StatusResponse) bool { return st.Vrrp == nil && pidOf(st, "vrrp") == 0 })
	b.eventually("the addresses are", func(*controlv1.StatusResponse) bool {
		_, err := os.Stat(filepath.Join(b.dir, "run", "keep", "vrrp", "held"))
		return err != nil
	})
}
