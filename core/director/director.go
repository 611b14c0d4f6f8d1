// Package director holds the decisions: a configuration and what was observed go in, and what should be comes out: the
// balancer's table, the targets to probe, the instances of VRRP, and events that say what changed and why.
//
// It is pure: no clock, no I/O, no goroutine. Time comes with each [Input], so that the same inputs always give the same
// [Output]. A [Director] is for one goroutine; what it returns is the caller's to keep.
//
// # From a verdict to the table
//
// A check's verdict makes the state of the real servers that it belongs to: one is up when all its checks are up, and
// down when one of them is down. While none is down and some are still unknown, the state is what the server is taken
// for (see [Seed]). The weights of the up servers add up to the virtual server's weight W, W makes the quorum,
// and the quorum decides between the real servers and the sorry server.
//
// # Factors
//
// A check of a type that weighs may say what part of its configured weight a real server gets, as a percentage. Of several
// that say something the smallest counts: any of them may hold a server back, whoever pushes it. The weight is always
// that part of the configured one, rounded, never of what it was before, so that nothing adds up; a part above 0 of a
// weight above 0 is at least 1. A factor of 0 drains: the server stays in the table with weight 0, as one whose configured
// weight is 0. W is made of these weights, as keepalived's quorum is of its effective ones: servers that are all drained
// have lost the quorum.
//
// The scheduler mh makes its whole table anew when a weight changes, which sends most clients elsewhere: there, only a
// factor of 0 counts.
//
// # Quorum and hysteresis
//
// A lost quorum is gained at W >= quorum + hysteresis; a gained one is lost at W < quorum - hysteresis, and at W = 0 always.
// Hysteresis needs a state before, and at the start there may be none. What the kernel holds counts as that state: with
// the sorry server in, the quorum was lost; with real servers that get traffic, it was gained, so that a restart between
// the two thresholds changes nothing. Without either, as after a boot, the bare quorum decides: gained at W >= quorum.
// That happens once, when the virtual server is first seen; a fresh one whose servers are all unknown starts with W = 0,
// so it is lost, and its first gain needs quorum + hysteresis like any other.
package director

import (
	"maps"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Director decides. Its zero value is not usable; New makes one.
type Director struct {
	now       time.Time
	nextEvent uint64
	events    []sdk.Event // of the step that is being made

	generation     uint64 // of the table
	timeouts       sdk.Timeouts
	sync           []sdk.SyncDaemon
	virtualServers []*virtualServer // in the order of the files

	targets     map[string]*target
	byType      map[string][]*target // in the order of the files
	checks      []*config.Check      // with a name of their own, and
	named       []*target            // their targets
	generations map[string]uint64    // of the targets, by check type; kept for types that are no longer used

	syncBlocks []config.Sync
	instances  []*instance // in the order of the files
	byInstance map[string]*instance
	groups     []*syncGroup
	// the blocks that these were made of
	vrrpInstances []*config.VRRPInstance
	syncGroups    []*config.SyncGroup

	brake    brake
	climbing bool      // a server may be on its way up
	stepped  time.Time // when all made a step last

	released map[string]bool // by an operator, whether it is configured or not
}

// A Seed is what is known when a director starts.
//
// A check that has no verdict in Verdicts is unknown. A real server with unknown checks and none that is down is taken
// for up if Held has it with a weight above 0, because adopting what runs must not cut traffic, or if the virtual
// server's start_state is "up"; otherwise it waits, without traffic, for its first verdicts. A server that is configured
// with weight 0 counts as held at any weight: being drained, it has none. What a held server has of its weight it keeps
// until the checks that weigh are known.
type Seed struct {
	Now       time.Time
	NextEvent uint64                 // the ID of the first event to come; 0 is taken for 1
	Verdicts  map[string]sdk.Verdict // from the journal, by target ID
	Held      []sdk.ObservedService  // what the kernel held

	// Adopts is set if a vrrp plugin of a former core is there and goes on with what it does. Then what checks and
	// instances were last still holds. Otherwise the machine starts from nothing: no instance becomes master before
	// its checks without weight have said something new, and States counts for nothing.
	Adopts   bool
	States   map[string]sdk.VRRPState // of instances, from the journal
	Released []string                 // instances that an operator released
}

// An Output is what changed by a step, and why.
type Output struct {
	Table   sdk.TableUpdate             // Generation 0: nothing changed
	Targets map[string]sdk.TargetUpdate // by check type; only the types whose targets changed
	Events  []sdk.Event                 // causes before effects

	Instances []sdk.VRRPInstance // all of them; nil: nothing changed

	Wake time.Time // when the director wants a Tick, whatever it wanted before; zero: it wants none
}

// New returns a director for a configuration, with the whole table and all targets as its first output. The states that
// it starts with are no changes, so there are no events.
func New(cfg *config.Config, seed Seed) (*Director, Output) {
	d := &Director{
		now:         seed.Now,
		nextEvent:   max(seed.NextEvent, 1),
		generation:  1,
		generations: make(map[string]uint64),
		released:    make(map[string]bool, len(seed.Released)),
	}
	p := buildPlan(cfg, nil)
	p.recall(seed.Verdicts, seed.Adopts)
	d.beginInstances(p, seed)
	if cfg != nil {
		d.brake.cfg = cfg.Director.Brake
	}
	held := readHeld(seed.Held)
	for _, vs := range p.virtualServers {
		was := held.adopt(vs)
		for _, s := range vs.servers {
			s.observe()
			s.since = s.stateSince(d.now)
			d.resume(s)
		}
		d.settleFirst(vs, was)
	}
	for typ, ts := range p.byType {
		d.generations[typ] = 1
		for _, t := range ts {
			t.probedSince = 1
			t.told = !t.suspended
		}
	}
	d.install(p)

	out := Output{Table: d.Table()}
	if len(d.instances) > 0 {
		out.Instances = d.Instances()
	}
	for _, typ := range d.CheckTypes() {
		if out.Targets == nil {
			out.Targets = make(map[string]sdk.TargetUpdate)
		}
		out.Targets[typ] = d.Targets(typ)
	}
	out.Wake = d.wake()
	return d, out
}

// install makes a plan the one that is followed.
func (d *Director) install(p *plan) {
	d.timeouts, d.syncBlocks, d.sync = p.timeouts, p.syncBlocks, syncDaemons(p.syncBlocks, p.byInstance)
	d.instances, d.byInstance, d.groups = p.instances, p.byInstance, p.groups
	d.vrrpInstances, d.syncGroups = p.vrrpInstances, p.syncGroups
	d.virtualServers = p.virtualServers
	d.targets, d.byType = p.targets, p.byType
	d.checks, d.named = p.checks, p.named
}

// plan returns what is followed.
func (d *Director) plan() *plan { return &plan{targets: d.targets, byType: d.byType} }

// Step takes in what happened and says what changed by it. An input that changes nothing gives an Output with no more than Wake. The cost
// of verdicts grows with the virtual servers that they concern, not with the configuration.
func (d *Director) Step(in Input) Output {
	d.events = nil
	var out Output
	switch in := in.(type) {
	case Configure:
		if in.Config != nil {
			d.now = in.Now
			out = d.configure(in.Config)
		}
	case Verdicts:
		d.now = in.Now
		out = d.observe(in)
	case VRRP:
		d.now = in.Now
		out = d.hear(in)
	case Release:
		d.now = in.Now
		out = d.release(in)
	case Tick:
		d.now = in.Now
		out = d.tick()
	case LetGo:
		d.now = in.Now
		out = d.letGoByOperator()
	case Note:
		d.note(in)
	}
	out.Events, out.Wake = d.events, d.wake()
	d.events, d.brake.changed = nil, 0
	return out
}

// Table returns the whole table, for a balancer that has none or another.
func (d *Director) Table() sdk.TableUpdate {
	u := sdk.TableUpdate{Generation: d.generation, Full: true}
	u.Table.Timeouts = d.timeouts
	u.Table.Sync = slices.Clone(d.sync)
	for _, vs := range d.virtualServers {
		u.Table.Services = append(u.Table.Services, vs.whole())
		u.Table.Services = append(u.Table.Services, vs.ways()...)
	}
	return u
}

// Targets returns all targets of a check type with the verdicts that are held, for a plugin that has just started.
func (d *Director) Targets(checkType string) sdk.TargetUpdate {
	u := sdk.TargetUpdate{Generation: d.generations[checkType], Full: true}
	for _, t := range d.byType[checkType] {
		if !t.suspended {
			u.Targets = append(u.Targets, t.message())
		}
	}
	return u
}

// Looked says whether every real server's checks that are probed have a verdict.
func (d *Director) Looked() bool {
	for _, t := range d.targets {
		if len(t.servers) > 0 && t.told && !known(t.verdict.State) {
			return false
		}
	}
	return true
}

// CheckTypes returns the types that the configuration uses, sorted.
func (d *Director) CheckTypes() []string { return slices.Sorted(maps.Keys(d.byType)) }

// Marks says whether probes of a check type set a mark or choose an interface, for which their plugin needs a capability.
func (d *Director) Marks(checkType string) bool {
	return slices.ContainsFunc(d.byType[checkType], func(t *target) bool {
		return t.spec.Egress.Mark != 0 || t.spec.Egress.Interface != ""
	})
}

// Verdicts returns the verdicts that are held, by target ID, for the journal. Unknown ones are left out. A target that the
// brake holds is up, so that a restart does not let go of it.
func (d *Director) Verdicts() map[string]sdk.Verdict {
	held := make(map[string]sdk.Verdict, len(d.targets))
	d.VerdictsFrom(0, len(d.targets), held)
	return held
}

// VerdictsFrom puts the verdicts of some targets from one on, which is counted from 0, into a map, and says whether there are
// more: piece by piece, all of them need not be told at once.
func (d *Director) VerdictsFrom(from, most int, held map[string]sdk.Verdict) (more bool) {
	for _, typ := range d.CheckTypes() {
		ts := d.byType[typ]
		skip := min(from, len(ts))
		from, ts = from-skip, ts[skip:]
		for i, t := range ts {
			if i == most {
				return true
			}
			if t.verdict.State == sdk.StateUnknown {
				continue
			}
			v := t.verdict
			if t.held {
				v.State, v.Factor, v.Reason = sdk.StateUp, t.fellWith, ""
			}
			held[t.spec.ID] = v
		}
		most -= len(ts)
	}
	return false
}

// TableOf returns the table that a configuration asks for when every real server is up.
func TableOf(cfg *config.Config) sdk.Table {
	p := buildPlan(cfg, nil)
	d := new(Director)
	for _, vs := range p.virtualServers {
		for _, s := range vs.servers {
			s.state = sdk.StateUp
		}
		d.settleFirst(vs, neverSeen)
	}
	d.install(p)
	return d.Table().Table
}
