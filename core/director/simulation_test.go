package director

import (
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

var start = time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)

func TestWhateverHappensTheInvariantsHold(t *testing.T) {
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 500
	}
	for seed := range seeds {
		simulate(t, seed, 25)
		if t.Failed() {
			return
		}
	}
}

func FuzzWhateverHappensTheInvariantsHold(f *testing.F) {
	f.Add(uint64(1), 10)
	f.Fuzz(func(t *testing.T, seed uint64, steps int) {
		simulate(t, seed, min(max(steps, 0), 100))
	})
}

// A simulation is two directors that are told the same things, the second with the verdicts of each batch in another
// order, and a balancer and a prober that follow the first.
type simulation struct {
	*testing.T
	seed      uint64
	r         source
	now       time.Time
	nextEvent uint64
	config    *config.Config
	d, twin   *Director
	balancer  balancer
	prober    prober
	router    router
	ticking   bool
}

func simulate(t *testing.T, seed uint64, steps int) {
	t.Helper()
	s := &simulation{T: t, seed: seed, r: newSource(seed), now: start, nextEvent: 1, prober: make(prober)}
	defer func() {
		if t.Failed() {
			t.Logf("seed %d, at %v", seed, s.now.Sub(start))
		}
		if r := recover(); r != nil {
			t.Logf("seed %d, at %v", seed, s.now.Sub(start))
			panic(r)
		}
	}()
	s.config = s.r.config()
	var out, twinOut Output
	s.d, out = New(s.config, Seed{Now: s.now})
	s.twin, twinOut = New(s.config, Seed{Now: s.now})
	s.check(out, twinOut)
	if len(out.Events) > 0 {
		t.Fatalf("events at the start: %v", out.Events)
	}
	for range steps {
		s.now = s.now.Add(pick(s.r, time.Second, time.Second, 300*time.Millisecond))
		if s.r.one(2) {
			s.tick()
		}
		switch n := s.r.IntN(16); {
		case n < 7:
			s.takeVerdicts()
		case n < 12:
			s.hearOfInstances()
		case n < 13:
			s.release()
		case n < 15:
			s.reload()
		default:
			s.restart()
		}
	}
}

// tick says what time it is, and expects that all that is due by then is done.
func (s *simulation) tick() {
	s.ticking = true
	if s.r.one(10) {
		s.check(s.d.Step(LetGo{Now: s.now}), s.twin.Step(LetGo{Now: s.now}))
	}
	out := s.d.Step(Tick{Now: s.now})
	s.check(out, s.twin.Step(Tick{Now: s.now}))
	s.ticking = false
	if !out.Wake.IsZero() && !out.Wake.After(s.now) {
		s.Fatalf("after a tick the next is due at %v already", out.Wake.Sub(start))
	}
	if again := s.d.Step(Tick{Now: s.now}); again.Table.Generation != 0 || len(again.Events) > 0 || again.Wake != out.Wake {
		s.Fatalf("the same tick again: %+v", again)
	}
	if b := s.d.Status().Brake; b != nil && !b.Until.After(s.now) {
		s.Fatalf("the brake holds beyond its time: %+v", b)
	}
}

func (s *simulation) takeVerdicts() {
	batch := s.r.verdicts(s.d, s.now)
	shuffled := slices.Clone(batch)
	s.r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	s.check(s.d.Step(Verdicts{Now: s.now, Verdicts: batch}), s.twin.Step(Verdicts{Now: s.now, Verdicts: shuffled}))
	if again := s.d.Step(Verdicts{Now: s.now, Verdicts: batch}); again.Table.Generation != 0 || len(again.Events) > 0 || again.Instances != nil {
		s.Fatalf("the same verdicts again: %+v", again)
	}
}

func (s *simulation) reload() {
	before, former := s.d.Status(), s.config
	s.config = s.r.mutate(s.config)
	if s.r.one(10) {
		s.config = s.r.config()
	}
	// The twin gets equal values, the first one the very values that have not changed, as after a reload that remembers.
	s.config = share(former, s.config)
	in, copied := Configure{Now: s.now, Config: s.config}, Configure{Now: s.now, Config: deepCopy(s.config)}
	s.check(s.d.Step(in), s.twin.Step(copied))
	s.nothingCut(before, s.d.Status())
	if s.r.one(2) {
		s.config = deepCopy(s.config)
	}
	s.twin.Step(copied)
	if again := s.d.Step(Configure{Now: s.now, Config: s.config}); again.Table.Generation != 0 || len(again.Events)+len(again.Targets) > 0 || again.Instances != nil {
		s.Fatalf("the same configuration again: %+v", again)
	}
}

// share returns next with the virtual servers and named checks of former in the place of those that equal them.
func share(former, next *config.Config) *config.Config {
	shared := *next
	shared.VirtualServers = slices.Clone(next.VirtualServers)
	for i, vs := range shared.VirtualServers {
		for _, was := range former.VirtualServers {
			if reflect.DeepEqual(was, vs) {
				shared.VirtualServers[i] = was
			}
		}
	}
	if reflect.DeepEqual(former.Checks, next.Checks) {
		shared.Checks = former.Checks
	}
	return &shared
}

// restart puts directors in the place of the old ones that know what the journal and the kernel know.
func (s *simulation) restart() {
	was := s.d.Table().Table
	seed := Seed{
		Now: s.now, NextEvent: s.nextEvent, Verdicts: s.d.Verdicts(), Held: observed(was),
		Adopts: true, States: s.d.States(), Released: s.d.Released(),
	}
	asked, trusted, ambiguous := s.d.Instances(), s.trusted(), s.ambiguous()
	var out, twinOut Output
	s.d, out = New(s.config, seed)
	s.twin, twinOut = New(s.config, seed)
	if !ambiguous {
		sameTables(s, "the table after a restart", was, s.d.Table().Table)
	}
	if diff := gocmp.Diff(asked, s.d.Instances(), addresses); diff != "" && !trusted {
		s.Fatalf("what is asked of VRRP after a restart (-before +after):\n%s", diff)
	}
	s.router = router{}
	s.balancer = balancer{}
	clear(s.prober)
	s.check(out, twinOut)
}

// ambiguous says whether marks depend on what was before, or the kernel's weight of a server has two meanings: what a check that is not known has said of it, or how
// far it has climbed.
func (s *simulation) ambiguous() bool {
	for i, vs := range buildPlan(s.config, nil).virtualServers {
		for j, rs := range vs.servers {
			if rs.mark != s.d.virtualServers[i].servers[j].mark {
				return true // two real servers of the same name
			}
		}
	}
	for _, vs := range s.d.virtualServers {
		for _, rs := range vs.servers {
			if rs.climbs() && slices.ContainsFunc(rs.targets, func(t *target) bool { return t.check.Weighs && !known(t.verdict.State) }) {
				return true
			}
		}
	}
	return false
}

// nothingCut checks that a reload takes no server out that was up, unless a check says that it is down.
func (s *simulation) nothingCut(before, after Status) {
	type place struct {
		sdk.ServiceKey
		netip.AddrPort
	}
	up := make(map[place]bool)
	for _, vs := range before.VirtualServers {
		for _, rs := range vs.RealServers {
			up[place{vs.Service, netip.AddrPortFrom(rs.Address, rs.Port)}] = rs.State == sdk.StateUp
		}
	}
	for _, vs := range after.VirtualServers {
		for _, rs := range vs.RealServers {
			down := slices.ContainsFunc(rs.Checks, func(c CheckStatus) bool { return c.State == sdk.StateDown })
			if up[place{vs.Service, netip.AddrPortFrom(rs.Address, rs.Port)}] && !down && rs.State != sdk.StateUp {
				s.Fatalf("the reload took %s/%s out: %s", vs.Name, rs.Name, rs.Reason)
			}
		}
	}
}

// check looks at everything that must hold after every step.
func (s *simulation) check(out, twinOut Output) {
	s.Helper()
	if !reflect.DeepEqual(out, twinOut) {
		s.Fatalf("another order of the same verdicts gave another output:\n%s", gocmp.Diff(out, twinOut, addresses))
	}
	s.checkEvents(out)
	if err := s.balancer.apply(out.Table); err != nil {
		s.Fatal(err)
	}
	if s.balancer.generation != s.d.Table().Generation {
		s.Fatalf("the balancer is at generation %d, the director at %d", s.balancer.generation, s.d.Table().Generation)
	}
	sameTables(s, "the deltas together", s.d.Table().Table, s.balancer.table())
	s.checkTargets(out)
	s.checkInstances(out)
	status := s.d.Status()
	for _, vs := range status.VirtualServers {
		s.checkPool(vs, s.balancer.services[vs.Service].destinations)
		for _, rs := range vs.RealServers {
			s.checkServer(rs)
		}
	}
}

func (s *simulation) checkEvents(out Output) {
	for _, e := range out.Events {
		switch {
		case e.ID != s.nextEvent:
			s.Fatalf("event %d in the place of %d", e.ID, s.nextEvent)
		case e.Cause >= e.ID:
			s.Fatalf("event %d is caused by the later %d", e.ID, e.Cause)
		case e.Cause != 0 && e.Cause < out.Events[0].ID && e.Kind != "vrrp_instance" && e.Kind != "vrrp_notice" && e.Kind != "brake" && (e.Kind != "weight" || !s.ticking):
			s.Fatalf("event %d is caused by %d, of an earlier step", e.ID, e.Cause)
		case e.Cause == 0 && !slices.Contains([]string{"check", "factor", "config", "operator", "vrrp_instance", "vrrp_notice", "virtual_server", "sync", "vrrp_priority"}, e.Kind) && e.Reason != "its slow start is over": // of a server that was there before this director
			s.Fatalf("nothing causes %+v", e)
		case e.From == e.To:
			s.Fatalf("an event without a change: %+v", e)
		case !e.Time.Equal(s.now):
			s.Fatalf("event %+v is not of now", e)
		}
		s.nextEvent++
	}
	if out.Table.Generation > 1 && len(out.Events) == 0 && !s.ticking {
		s.Fatalf("the table changed and no event says so: %+v", out.Table)
	}
}

func (s *simulation) checkTargets(out Output) {
	if err := s.prober.apply(out.Targets); err != nil {
		s.Fatal(err)
	}
	held := make(map[string]sdk.Verdict)
	for id, t := range s.d.targets {
		held[id] = t.verdict
	}
	full := make(prober)
	for _, typ := range s.d.CheckTypes() {
		if err := full.apply(map[string]sdk.TargetUpdate{typ: s.d.Targets(typ)}); err != nil {
			s.Fatal(err)
		}
		for id, target := range full[typ] {
			if target.Initial != held[id].State || target.Factor != held[id].Factor {
				s.Fatalf("target %s starts as %v, but the verdict is %v", id, target.Initial, held[id])
			}
		}
	}
	none := func(_ string, targets map[string]sdk.Target) bool { return len(targets) == 0 }
	maps.DeleteFunc(s.prober, none)
	maps.DeleteFunc(full, none)
	for _, targets := range s.prober {
		for id, target := range targets {
			target.Initial, target.Factor = held[id].State, held[id].Factor // what it was when it was said does not matter
			targets[id] = target
		}
	}
	if !reflect.DeepEqual(full, s.prober) {
		s.Fatalf("the target deltas together (-want +got):\n%s", gocmp.Diff(full, s.prober, addresses))
	}
}

// checkPool compares what is in the table with what the configuration and the states of the real servers ask for.
func (s *simulation) checkPool(vs VirtualServerStatus, pool map[netip.AddrPort]sdk.Destination) {
	var weight, serving uint64
	for _, rs := range vs.RealServers {
		if rs.State == sdk.StateUp {
			weight += uint64(worth(vs, rs))
		}
	}
	for _, dest := range pool {
		serving += uint64(dest.Weight)
	}
	low := uint64(0)
	if vs.Quorum > vs.Hysteresis {
		low = vs.Quorum - vs.Hysteresis
	}
	lost := vs.SorryServer != nil && !vs.QuorumGained
	switch {
	case weight != vs.Weight:
		s.Fatalf("%s: weight %d, the up servers have %d", vs.Name, vs.Weight, weight)
	case weight > 0 && serving == 0:
		s.Fatalf("%s: an empty pool with servers of weight %d up", vs.Name, weight)
	case vs.QuorumGained && (weight == 0 || weight < low):
		s.Fatalf("%s: the quorum %d-%d is gained at %d", vs.Name, vs.Quorum, vs.Hysteresis, weight)
	case !vs.QuorumGained && weight > 0 && weight >= vs.Quorum+vs.Hysteresis:
		s.Fatalf("%s: the quorum %d+%d is lost at %d", vs.Name, vs.Quorum, vs.Hysteresis, weight)
	case vs.SorryServer != nil && vs.SorryServer.In != lost:
		s.Fatalf("%s: sorry server in: %v, quorum gained: %v", vs.Name, vs.SorryServer.In, vs.QuorumGained)
	}
	sorry := netip.AddrPort{}
	if vs.SorryServer != nil {
		sorry = netip.AddrPortFrom(vs.SorryServer.Address, vs.SorryServer.Port)
		if lost && (serving != 1 || pool[sorry].Weight != 1) {
			s.Fatalf("%s: the quorum is lost and the pool is %v", vs.Name, pool)
		}
	}
	known := 0
	for _, rs := range vs.RealServers {
		at := netip.AddrPortFrom(rs.Address, rs.Port)
		dest, there := pool[at]
		if lost && at == sorry {
			known++
			continue
		}
		if there {
			known++
		}
		want := uint32(0)
		if rs.State == sdk.StateUp && !lost {
			want = worth(vs, rs)
		}
		if rs.Climbs && rs.Weight > 0 && rs.Weight <= want {
			want = rs.Weight
		}
		if dest.Weight != want || rs.Weight != want || there != rs.InTable {
			s.Fatalf("%s/%s: weight %d in the table (%v) and %d in the status, want %d", vs.Name, rs.Name, dest.Weight, there, rs.Weight, want)
		}
		if rs.State == sdk.StateUp && (!lost || worth(vs, rs) == 0) && !there {
			s.Fatalf("%s/%s: up and not in the table", vs.Name, rs.Name)
		}
	}
	if lost && !slices.ContainsFunc(vs.RealServers, func(rs RealServerStatus) bool { return netip.AddrPortFrom(rs.Address, rs.Port) == sorry }) {
		known++
	}
	if len(pool) != known {
		s.Fatalf("%s: %d destinations in the table, %d accounted for: %v", vs.Name, len(pool), known, pool)
	}
}

// worth is what a server's checks leave of its configured weight, and of nothing else.
func worth(vs VirtualServerStatus, rs RealServerStatus) uint32 {
	percent, _ := rs.Factor.Percent()
	switch {
	case percent == 0:
		return 0
	case vs.Scheduler == "mh":
		return rs.ConfiguredWeight
	}
	w := math.Round(float64(rs.ConfiguredWeight) * float64(percent) / 100)
	return uint32(max(w, min(float64(rs.ConfiguredWeight), 1)))
}

// checkServer compares a real server's state, and what it has of its weight, with its verdicts.
func (s *simulation) checkServer(rs RealServerStatus) {
	var unknown, down bool
	var smallest sdk.Factor
	for _, c := range rs.Checks {
		if c.Held {
			if c.State != sdk.StateDown || s.d.Status().Brake == nil {
				s.Fatalf("%s is held and %v, brake %+v", c.ID, c.State, s.d.Status().Brake)
			}
			c.State = sdk.StateUp
		}
		unknown = unknown || c.State == sdk.StateUnknown
		down = down || c.State == sdk.StateDown
		if c.Factor != 0 && (smallest == 0 || c.Factor < smallest) {
			smallest = c.Factor
		}
		if c.Factor != 0 && c.State != sdk.StateUp {
			s.Fatalf("%s is %v and says a weight", c.ID, c.State)
		}
	}
	if rs.Factor != smallest && !(unknown && rs.Factor != 0 && (smallest == 0 || rs.Factor < smallest)) {
		s.Fatalf("%s has %v of its weight with %+v", rs.Name, rs.Factor, rs.Checks)
	}
	if down && rs.State != sdk.StateDown || !down && !unknown && rs.State != sdk.StateUp || !down && rs.State == sdk.StateDown {
		s.Fatalf("%s is %v with %+v", rs.Name, rs.State, rs.Checks)
	}
}
