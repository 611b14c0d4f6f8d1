package director

import (
	"bytes"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// maxReason is the longest reason that is kept of a verdict, in bytes, as the contract has it.
const maxReason = 512

// A target is one thing to probe, the verdict on it, and the real servers that depend on it.
type target struct {
	spec        sdk.Target // Initial is left out: it is the verdict's
	check       *config.Check
	order       int // place in the files
	servers     []*realServer
	instances   []*instance // that track it
	gates       bool        // one of them is in FAULT while it is not up
	verdict     sdk.Verdict
	probedSince uint64 // the generation of its type's targets that began this probe
	suspended   bool   // it is not probed, and its verdict stands
	told        bool   // its plugin has it

	fell     time.Time  // when it went down, as long as that counts for the brake; otherwise zero
	fellWith sdk.Factor // what it said before
	held     bool       // the brake holds it: it counts as up

	before  sdk.Verdict // while verdicts are taken in: the one before them,
	touched bool        // if this is set
	event   uint64      // the check event of this step, or 0
	weighed uint64      // the factor event of this step, or 0
}

// message returns the target as a plugin needs it.
func (t *target) message() sdk.Target {
	m := t.spec
	m.Initial, m.Factor = t.verdict.State, t.verdict.Factor
	return m
}

// sameProbe says whether two targets look at the same thing in the same way, however often.
func (t *target) sameProbe(o *target) bool {
	return t.check.Type == o.check.Type && t.spec.Address == o.spec.Address && t.spec.Port == o.spec.Port && t.spec.Egress == o.spec.Egress &&
		bytes.Equal(t.spec.Config, o.spec.Config) && t.check.Weighs == o.check.Weighs
}

// sameMessage says whether a plugin that knows one target knows the other.
func (t *target) sameMessage(o *target) bool {
	return t.spec.ID == o.spec.ID && t.sameProbe(o) && t.spec.Schedule == o.spec.Schedule
}

// hold takes a verdict in. The time of a state that goes on is kept, and, where the new one is silent, the reason of a
// verdict that goes on. Only an up target has a factor, and only if its type has declared that it weighs.
func (t *target) hold(v sdk.Verdict) {
	if len(v.Reason) > maxReason {
		v.Reason = strings.ToValidUTF8(v.Reason[:maxReason], "")
	}
	if v.State != sdk.StateUp || !t.check.Weighs {
		v.Factor = 0
	}
	v.TargetID = t.spec.ID
	old := t.verdict
	t.verdict = v
	if v.State != old.State {
		return
	}
	t.verdict.Since = old.Since
	if v.Reason == "" && v.Factor == old.Factor {
		t.verdict.Reason = old.Reason
	}
}

// known says whether a verdict's state is one that decides something.
func known(s sdk.State) bool { return s == sdk.StateUp || s == sdk.StateDown }

// diffTargets compares the targets of one check type, as its plugin has them, with what it should have, and returns the
// update from one to the other. ok is false when there is nothing to say.
func diffTargets(checkType string, old, next map[string]*target, oldList, nextList []*target) (u sdk.TargetUpdate, ok bool) {
	for _, t := range nextList {
		was := old[t.spec.ID]
		if !t.suspended && (was == nil || !was.told || was != t && !was.sameMessage(t)) {
			u.Targets = append(u.Targets, t.message())
		}
	}
	for _, t := range oldList {
		is := next[t.spec.ID]
		if t.told && (is == nil || is.check.Type != checkType || is.suspended) {
			u.Removed = append(u.Removed, t.spec.ID)
		}
	}
	return u, len(u.Targets)+len(u.Removed) > 0
}
