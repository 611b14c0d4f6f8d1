package director

import (
	"reflect"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A router is the simplest thing that obeys what is asked of a vrrp plugin.
type router struct {
	asked []sdk.VRRPInstance
}

func (s *simulation) hearOfInstances() {
	in := VRRP{Now: s.now, Report: s.r.report(s.now)}
	s.check(s.d.Step(in), s.twin.Step(in))
	in.Report.Snapshot, in.Report.Notices = false, nil
	in.Report.Transitions = in.Report.Transitions[max(0, len(in.Report.Transitions)-1):]
	s.twin.Step(in)
	if again := s.d.Step(in); again.Table.Generation != 0 || len(again.Events)+len(again.Targets) > 0 || again.Instances != nil {
		s.Fatalf("the last transition again: %+v", again)
	}
}

func (s *simulation) release() {
	in := Release{Now: s.now, Instance: pick(s.r, "VI_1", "VI_2", "VI_9"), Released: s.r.one(2)}
	s.check(s.d.Step(in), s.twin.Step(in))
	if slices.Contains(s.d.Released(), in.Instance) != in.Released {
		s.Fatalf("%s is released: %v", in.Instance, s.d.Released())
	}
}

// checkInstances looks at what is asked of the vrrp plugin, at what follows the instances, and at who tracks what.
func (s *simulation) checkInstances(out Output) {
	s.Helper()
	all := s.d.Instances()
	if out.Instances != nil {
		if reflect.DeepEqual(out.Instances, s.router.asked) {
			s.Fatalf("the same is asked again: %+v", out.Instances)
		}
		s.router.asked = out.Instances
	}
	if len(all)+len(s.router.asked) > 0 && !reflect.DeepEqual(all, s.router.asked) {
		s.Fatalf("what is asked (-), and what was said of it last (+):\n%s", gocmp.Diff(all, s.router.asked, addresses))
	}
	states := s.d.States()
	for _, v := range all {
		if v.Released != slices.Contains(s.d.Released(), v.Name) {
			s.Fatalf("%s released: %v, by the operator: %v", v.Name, v.Released, s.d.Released())
		}
		s.checkTracking(v)
	}
	for _, daemon := range s.d.Table().Table.Sync {
		for _, b := range s.config.IPVS.Sync {
			if b.Follow != "" && daemon.Backup == (states[b.Follow] == sdk.VRRPMaster) {
				s.Fatalf("sync daemon %+v while %s is %q", daemon, b.Follow, states[b.Follow])
			}
		}
	}
	for _, vs := range s.d.virtualServers {
		rest := vs.cfg.ChecksFollow != "" && states[vs.cfg.ChecksFollow] != sdk.VRRPMaster
		for _, server := range vs.servers {
			for _, t := range server.targets {
				if _, probed := s.prober[t.check.Type][t.spec.ID]; probed == rest && t.check.Name == "" {
					s.Fatalf("target %s is probed: %v, while %s is %q", t.spec.ID, probed, vs.cfg.ChecksFollow, states[vs.cfg.ChecksFollow])
				}
			}
		}
	}
}

// checkTracking compares what an instance is asked with what the configuration and the verdicts ask for.
func (s *simulation) checkTracking(v sdk.VRRPInstance) {
	verdicts := s.d.Verdicts()
	sum, fault := 0, false
	for _, c := range s.d.byInstance[v.Name].checks {
		state := verdicts[c.target.spec.ID].State
		if !known(state) {
			state = c.former
		}
		switch {
		case c.weight == nil:
			fault = fault || state != sdk.StateUp
		case *c.weight > 0 && state == sdk.StateUp, *c.weight < 0 && state == sdk.StateDown:
			sum += *c.weight
		}
	}
	if v.PriorityChange != sum || (v.Fault != "") != fault {
		s.Fatalf("%s has %+d and the fault %q, its checks make %+d and %v", v.Name, v.PriorityChange, v.Fault, sum, fault)
	}
}

// trusted says whether an instance tracks a check that has said nothing: what it is taken for then is not remembered.
func (s *simulation) trusted() bool {
	for _, v := range s.d.instances {
		if slices.ContainsFunc(v.checks, func(c trackedCheck) bool { return !known(c.target.verdict.State) }) {
			return true
		}
	}
	return false
}
