package director

import (
	"math"
	"slices"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// mostWeight is the largest weight: the kernel keeps a signed 32-bit number.
const mostWeight = math.MaxInt32

// part returns so much of a configured weight as a factor says.
func part(weight uint32, f sdk.Factor) uint32 {
	percent, _ := f.Percent()
	if weight == 0 || percent == 0 {
		return 0
	}
	w := (uint64(weight)*uint64(percent) + 50) / 100
	return uint32(min(max(w, 1), mostWeight))
}

// heldFactor returns what a server that the kernel holds at a weight has of its own, as far as percents tell: it keeps that
// until the checks that weigh are known.
func (s *realServer) heldFactor(weight uint32) sdk.Factor {
	weighs := slices.ContainsFunc(s.targets, func(t *target) bool { return t.check.Weighs })
	full := s.cfg.Weight
	if !weighs || weight == full || full == 0 {
		return 0
	}
	return sdk.FactorOf(int(min((uint64(weight)*100+uint64(full)-1)/uint64(full), sdk.MaxPercent)))
}

// worth returns the weight that a server gets while it is up.
func (s *realServer) worth() uint32 {
	if s.vs.cfg.Scheduler == "mh" && s.factor != sdk.FactorOf(0) {
		return s.cfg.Weight
	}
	return part(s.cfg.Weight, s.factor)
}

// weigh returns the smallest factor that the checks say, and the first that says it. As long as one that
// may say something is unknown, the server has no more of its weight than it had before.
func (s *realServer) weigh() (f sdk.Factor, by *target) {
	unknown := false
	for _, t := range s.targets {
		unknown = unknown || t.verdict.State == sdk.StateUnknown && t.check.Weighs
		if said := t.factor(); said != 0 && (f == 0 || said < f) {
			f, by = said, t
		}
	}
	if unknown && s.granted != 0 && (f == 0 || s.granted < f) {
		return s.granted, nil
	}
	return f, by
}

// weighedBy returns the event of this step that has changed the factor: that of the check which says it now, or of one
// that has said it before.
func (s *realServer) weighedBy() uint64 {
	if t := s.weigher; t != nil && (t.weighed != 0 || t.event != 0) {
		return first(t.weighed, t.event)
	}
	var weighed, event uint64
	for _, t := range s.targets {
		weighed, event = max(weighed, t.weighed), max(event, t.event)
	}
	return first(weighed, event)
}

// weighReason says in words what part of its weight the server has, and why.
func (s *realServer) weighReason() string {
	switch t := s.weigher; {
	case t == nil && s.factor == 0:
		return "its whole weight: no check says otherwise any more"
	case t == nil:
		return s.factor.String() + " of its weight, as before: what its checks say is not yet known"
	case t.verdict.Reason == "":
		return s.factor.String() + " of its weight, says " + t.spec.ID
	default:
		return s.factor.String() + " of its weight: " + t.verdict.Reason
	}
}
