package load

import (
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// climbers are the schedulers under which a larger weight is a larger share of new connections and nothing else. rr, lc and dh
// take no notice of weights, fo and ovf look for the largest, and sh and mh give most clients another server when one changes.
var climbers = []string{"wrr", "wlc", "lblc", "lblcr", "sed", "nq", "twos"}

// slowStart reads slow_start.
func (l *loader) slowStart(s *service, a schema.Attr) (time.Duration, bool) {
	if !a.Written() {
		return 0, false
	}
	d, ok := l.r.Duration(a)
	switch {
	case !ok:
		return 0, false
	case d != 0 && (d < 2*time.Second || d > time.Hour):
		l.r.Errorf(a.Expr.Range(), "Duration out of range", "%s is from 2s to 1h, in steps of a second, or \"0s\" for none, and this is %s.", a.Name, schema.FormatDuration(d))
		return 0, false
	case d != 0 && !slices.Contains(climbers, s.Scheduler):
		l.r.Errorf(a.NameRange(), "Slow start that can't be", "A slow start is a weight that grows, and the scheduler %s %s: leave it out, or use one of %s.", s.Scheduler, whyNoClimb(s.Scheduler), listed(climbers))
		return 0, false
	}
	return d, true
}

func whyNoClimb(scheduler string) string {
	switch scheduler {
	case "sh", "mh":
		return "sends most clients to other servers whenever a weight changes"
	case "fo", "ovf":
		return "goes by which weight is the largest"
	}
	return "takes no notice of weights"
}

// smallClimb warns of a server whose weight has no room for steps.
func (l *loader) smallClimb(rs *config.RealServer, at schema.Attr, b schema.Block) {
	if rs.SlowStart == 0 || rs.Weight != 1 {
		return
	}
	r := b.LabelRange(0)
	if at.Written() {
		r = at.Expr.Range()
	}
	l.r.Warnf(r, "Slow start of weight 1", "A weight is a whole number, and there is none between 0 and 1: this server gets its whole weight at once. Write larger weights for all servers: 100 in place of 1.")
}
