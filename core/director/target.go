package director

import (
	"bytes"
	"strings"

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
	verdict     sdk.Verdict
	probedSince uint64 // the generation of its type's targets that began this probe

	before  sdk.State // while verdicts are taken in: the state before them,
	touched bool      // if this is set
	event   uint64    // the check event of this step, or 0
}

// message returns the target as a plugin needs it.
func (t *target) message() sdk.Target {
	m := t.spec
	m.Initial = t.verdict.State
	return m
}

// sameProbe says whether two targets look at the same thing in the same way, however often.
func (t *target) sameProbe(o *target) bool {
	return t.check.Type == o.check.Type && t.spec.Address == o.spec.Address && t.spec.Port == o.spec.Port &&
		bytes.Equal(t.spec.Config, o.spec.Config)
}

// sameMessage says whether a plugin that knows one target knows the other.
func (t *target) sameMessage(o *target) bool {
	return t.spec.ID == o.spec.ID && t.sameProbe(o) && t.spec.Schedule == o.spec.Schedule
}

// hold takes a verdict in and says whether it is another state. The time and, where the new one is silent, the reason of
// a state that goes on are kept.
func (t *target) hold(v sdk.Verdict) bool {
	if len(v.Reason) > maxReason {
		v.Reason = strings.ToValidUTF8(v.Reason[:maxReason], "")
	}
	v.TargetID = t.spec.ID
	old := t.verdict
	t.verdict = v
	if v.State != old.State {
		return true
	}
	t.verdict.Since = old.Since
	if v.Reason == "" {
		t.verdict.Reason = old.Reason
	}
	return false
}

// known says whether a verdict's state is one that decides something.
func known(s sdk.State) bool { return s == sdk.StateUp || s == sdk.StateDown }

// diffTargets compares the targets of one check type and returns the update from one to the other. ok is false when
// there is nothing to say.
func diffTargets(checkType string, old, next map[string]*target, oldList, nextList []*target) (u sdk.TargetUpdate, ok bool) {
	for _, t := range nextList {
		was := old[t.spec.ID]
		if was != t && (was == nil || !was.sameMessage(t)) {
			u.Targets = append(u.Targets, t.message())
		}
	}
	for _, t := range oldList {
		is := next[t.spec.ID]
		if is == nil || is.check.Type != checkType {
			u.Removed = append(u.Removed, t.spec.ID)
		}
	}
	return u, len(u.Targets)+len(u.Removed) > 0
}
