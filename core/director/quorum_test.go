package director

import (
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// keepalived's sample: quorum 7, hysteresis 2, ten servers.
func sample() *config.Config {
	cfg := web(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	cfg.VirtualServers[0].Quorum, cfg.VirtualServers[0].Hysteresis = 7, 2
	cfg.VirtualServers[0].SorryServer = sorry("127.0.0.99:80")
	return cfg
}

func expectQuorum(t testing.TB, d *Director, gained bool, weight uint64) {
	t.Helper()
	vs := d.Status().VirtualServers[0]
	if vs.QuorumGained != gained || vs.Weight != weight {
		t.Errorf("quorum gained: %v at %d, want %v at %d", vs.QuorumGained, vs.Weight, gained, weight)
	}
	if vs.SorryServer != nil && vs.SorryServer.In == gained {
		t.Errorf("sorry server in: %v at quorum gained: %v", vs.SorryServer.In, gained)
	}
}

func TestTheQuorumIsGainedAtQuorumPlusHysteresisAndLostBelowQuorumMinusHysteresis(t *testing.T) {
	d, _ := New(sample(), Seed{Now: start})
	expectQuorum(t, d, false, 0)
	for n := 1; n <= 10; n++ {
		take(d, up(id(n)))
		expectQuorum(t, d, n >= 9, uint64(n))
	}
	for n := 10; n > 0; n-- {
		take(d, down(id(n)))
		expectQuorum(t, d, n-1 >= 5, uint64(n-1))
	}
	for n := 1; n <= 9; n++ {
		take(d, up(id(n)))
		expectQuorum(t, d, n >= 9, uint64(n))
	}
}

func TestTheQuorumIsOneOfWeights(t *testing.T) {
	cfg := web(3, 1)
	cfg.VirtualServers[0].Quorum = 3
	d := allUp(cfg, 2)
	take(d, down(id(2)))
	expectQuorum(t, d, true, 3)
	take(d, down(id(1)), up(id(2)))
	expectQuorum(t, d, false, 1)
}

func TestWithoutWeightTheQuorumIsLostWhateverTheHysteresis(t *testing.T) {
	cfg := web(1, 1)
	cfg.VirtualServers[0].Quorum, cfg.VirtualServers[0].Hysteresis = 2, 2
	d := allUp(cfg, 2)
	take(d, down(id(1)))
	expectQuorum(t, d, true, 1)
	take(d, down(id(2)))
	expectQuorum(t, d, false, 0)
}

func TestWhereTheQuorumBegins(t *testing.T) {
	// Seven of ten are up by the journal: between the thresholds, 5 and 9.
	seven := journal(up(id(1), id(2), id(3), id(4), id(5), id(6), id(7)), down(id(8), id(9), id(10)))
	six := journal(up(id(1), id(2), id(3), id(4), id(5), id(6)), down(id(7), id(8), id(9), id(10)))
	serving := observed(TableOf(sample()))
	d, _ := New(sample(), Seed{})
	sorryIn := observed(d.Table().Table)

	for _, tt := range []struct {
		name   string
		seed   Seed
		gained bool
	}{
		{"nothing is known before: the bare quorum is reached", Seed{Verdicts: seven}, true},
		{"nothing is known before: the bare quorum is not reached", Seed{Verdicts: six}, false},
		{"the kernel has the real servers: it was gained", Seed{Verdicts: six, Held: serving}, true},
		{"the kernel has the sorry server: it was lost", Seed{Verdicts: seven, Held: sorryIn}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, out := New(sample(), tt.seed)
			want := uint64(7)
			if tt.seed.Verdicts[id(7)].State == sdk.StateDown {
				want = 6
			}
			expectQuorum(t, d, tt.gained, want)
			expectEvents(t, out)
		})
	}
}

func TestTheSorryServer(t *testing.T) {
	for _, tt := range []struct {
		name      string
		onFailure config.OnFailure
		sorry     string
		lost      string // 10.1.0.1 down, 10.1.0.2 up
	}{
		{"takes the place of the real servers", config.Remove, "127.0.0.9:80", "9=1"},
		{"or stands beside them", config.Quiesce, "127.0.0.9:80", "1=0 2=0 9=1"},
		{"is one of those that are down", config.Remove, "10.1.0.1:80", "1=1"},
		{"is one of those that are up", config.Remove, "10.1.0.2:80", "2=1"},
		{"is one of them, and the other quiesces", config.Quiesce, "10.1.0.1:80", "1=1 2=0"},
		{"has another port of one of them", config.Quiesce, "10.1.0.1:81", "1=0 2=0 1=1"},
		{"is not configured: the quorum is but an event", config.Remove, "", "2=2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := web(2, 2)
			vs := cfg.VirtualServers[0]
			vs.Quorum, vs.OnFailure = 4, tt.onFailure
			if tt.sorry != "" {
				vs.SorryServer = sorry(tt.sorry)
			}
			d := allUp(cfg, 2)
			expectTable(t, d, "1=2 2=2")
			take(d, down(id(1)))
			expectQuorum(t, d, false, 2)
			expectTable(t, d, tt.lost)
			out := take(d, up(id(1)))
			expectTable(t, d, "1=2 2=2")
			if out.Table.Base+1 != out.Table.Generation {
				t.Errorf("the real servers' return took the table from %d to %d", out.Table.Base, out.Table.Generation)
			}
		})
	}
}

func TestARestartFindsTheSorryServerThatIsARealServer(t *testing.T) {
	cfg := web(1, 1, 1)
	vs := cfg.VirtualServers[0]
	vs.Quorum, vs.Hysteresis, vs.SorryServer = 2, 1, sorry("10.1.0.1:80")
	d := allUp(cfg, 3)
	take(d, down(id(1), id(2), id(3)))
	take(d, up(id(2), id(3)))
	expectQuorum(t, d, false, 2)
	expectTable(t, d, "1=1")

	again, _ := New(cfg, Seed{Verdicts: d.Verdicts(), Held: observed(d.Table().Table)})
	expectQuorum(t, again, false, 2)
	expectTable(t, again, "1=1")

	// Without a journal, what the kernel holds there is still no sign that the real server is up.
	again, _ = New(cfg, Seed{Held: observed(d.Table().Table)})
	if s := again.Status().VirtualServers[0].RealServers[0]; s.State != sdk.StateUnknown {
		t.Errorf("the real server is %v: %s", s.State, s.Reason)
	}
}

func TestThresholdsDoNotOverflow(t *testing.T) {
	for _, tt := range []struct{ quorum, hysteresis, gain, lose uint64 }{
		{7, 2, 9, 5},
		{1, 0, 1, 1},
		{1, 2, 3, 0},
		{math.MaxUint64, 1, math.MaxUint64, math.MaxUint64 - 1},
		{0, 0, 0, 0},
	} {
		if g, l := gainAt(tt.quorum, tt.hysteresis), loseBelow(tt.quorum, tt.hysteresis); g != tt.gain || l != tt.lose {
			t.Errorf("quorum %d, hysteresis %d: gained at %d, lost below %d", tt.quorum, tt.hysteresis, g, l)
		}
	}
	cfg := web(math.MaxInt32, math.MaxInt32, math.MaxInt32)
	cfg.VirtualServers[0].Quorum = 3 * math.MaxInt32
	expectQuorum(t, allUp(cfg, 3), true, 3*math.MaxInt32)
}
