package director

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// An instance is a vrrp_instance, what is asked of the vrrp plugin about it, and what that said last.
type instance struct {
	cfg    *config.VRRPInstance
	spec   sdk.VRRPInstance // what is asked, with what the checks make of it
	checks []trackedCheck   // its own and its group's
	group  *syncGroup       // nil: none

	state    sdk.VRRPState // "": nobody has said
	since    time.Time
	reason   string
	priority uint8
	notices  []notice // that have not ended, in the order in which they began

	asked   uint64    // the event that changed the spec last, or 0
	askedAt time.Time // when
}

// A syncGroup is a vrrp_sync_group. Its state is that of all its members, and stays what it was while they differ.
type syncGroup struct {
	cfg     *config.SyncGroup
	members []*instance
	state   sdk.VRRPState // "": they have not been in one state yet
	since   time.Time
}

// A trackedCheck is a check with a name that counts for an instance.
type trackedCheck struct {
	target *target
	weight *int      // nil: while it is not up the instance is in FAULT
	former sdk.State // what it is taken for while it is not known
}

// state is what the check counts as.
func (c trackedCheck) state() sdk.State {
	if s := c.target.verdict.State; known(s) {
		return s
	}
	return c.former
}

// A notice is one of the plugin's that has not ended, with the event that it was.
type notice struct {
	sdk.VRRPNotice
	event uint64
}

// addInstances translates the instances and groups of a configuration. Of two with the same name the first counts.
func (p *plan) addInstances(cfg *config.Config) {
	p.byInstance = make(map[string]*instance, len(cfg.VRRPInstances))
	for _, c := range cfg.VRRPInstances {
		if c == nil || p.byInstance[c.Name] != nil {
			continue
		}
		v := &instance{cfg: c, spec: vrrpInstance(c)}
		p.track(v, c.Track)
		p.byInstance[c.Name] = v
		p.instances = append(p.instances, v)
	}
	for _, c := range cfg.SyncGroups {
		if c == nil {
			continue
		}
		g := &syncGroup{cfg: c}
		for _, m := range c.Members {
			if m == nil || p.byInstance[m.Name] == nil || p.byInstance[m.Name].group != nil {
				continue
			}
			v := p.byInstance[m.Name]
			v.group, v.spec.SyncGroup = g, c.Name
			g.members = append(g.members, v)
			p.track(v, c.Track)
		}
		p.groups = append(p.groups, g)
	}
}

// track makes track blocks count for an instance: interfaces are the plugin's, checks are counted here.
func (p *plan) track(v *instance, blocks []config.Track) {
	for _, b := range blocks {
		if b.Check == nil {
			v.spec.Interfaces = append(v.spec.Interfaces, trackedInterface(b))
			continue
		}
		t := p.namedTarget(b.Check)
		v.checks = append(v.checks, trackedCheck{target: t, weight: b.Weight})
		t.instances = append(t.instances, v)
		t.gates = t.gates || b.Weight == nil
	}
}

// judge works out what the tracked checks make of the instance: the sum of their weights, and why it is in FAULT, if it is.
// A check that is down says more than one that has said nothing.
func (v *instance) judge() (change int, fault string) {
	unknown := ""
	for _, c := range v.checks {
		state := c.state()
		switch {
		case c.weight != nil:
			if *c.weight > 0 && state == sdk.StateUp || *c.weight < 0 && state == sdk.StateDown {
				change += *c.weight
			}
		case state == sdk.StateDown && fault == "":
			fault = c.target.spec.ID + " is down" // its reason may change while it is down, and is no news to VRRP
		case !known(state) && unknown == "":
			unknown = c.target.spec.ID + " is not yet known"
		}
	}
	if fault == "" {
		fault = unknown
	}
	return change, fault
}

// words say how a check is.
func (c trackedCheck) words() string {
	s := c.target.spec.ID + " is " + c.state().String()
	if c.target.verdict.Reason != "" {
		s += ": " + c.target.verdict.Reason
	}
	return s
}

// track works out anew what the checks make of an instance, and says whether that is something else. cause is the event
// that led here, or 0.
func (d *Director) track(v *instance, cause uint64) bool {
	change, fault := v.judge()
	if change == v.spec.PriorityChange && fault == v.spec.Fault {
		return false
	}
	was := v.byChecks()
	v.spec.PriorityChange, v.spec.Fault = change, fault
	v.asked, v.askedAt = cause, d.now
	if is := v.byChecks(); is != was {
		v.asked = d.emit(sdk.Event{
			Kind:    "vrrp_priority",
			Subject: v.cfg.Name,
			From:    strconv.Itoa(was),
			To:      strconv.Itoa(is),
			Reason:  v.because(cause),
			Cause:   cause,
		})
	}
	return true
}

// byChecks is the priority with the weights of checks. Those of interfaces are the plugin's to add.
func (v *instance) byChecks() int {
	if v.cfg.Priority == ownerPriority {
		return ownerPriority
	}
	return min(max(int(v.cfg.Priority)+v.spec.PriorityChange, 1), ownerPriority-1)
}

// ownerPriority is that of the owner of the addresses, which never changes (RFC 9568 section 5.2.4).
const ownerPriority = 255

// because says in words which checks have changed.
func (v *instance) because(cause uint64) string {
	var all []string
	for _, c := range v.checks {
		if cause != 0 && c.weight != nil && c.target.event != 0 {
			all = append(all, c.words())
		}
	}
	if len(all) == 0 {
		return "the configuration has changed"
	}
	return strings.Join(all, ", ")
}

// trackChanged works out anew the instances that track targets whose state has changed, and says whether any is something
// else.
func (d *Director) trackChanged(changed []*target) bool {
	causes := make(map[*instance]uint64)
	for _, t := range changed {
		for _, v := range t.instances {
			causes[v] = t.event
		}
	}
	if len(causes) == 0 {
		return false
	}
	other := false
	for _, v := range d.instances {
		if cause, ok := causes[v]; ok && d.track(v, cause) {
			other = true
		}
	}
	return other
}

// cause is the event behind a transition: the one that last changed what is asked of the instance, or of another of its
// group, if that was so lately that the one can have come of the other.
func (v *instance) cause(now time.Time) uint64 {
	lately := func(v *instance) bool {
		return v.asked != 0 && now.Sub(v.askedAt) <= 4*v.cfg.AdvertInterval+causeSlack
	}
	if lately(v) {
		return v.asked
	}
	if v.group != nil {
		for _, m := range v.group.members {
			if lately(m) {
				return m.asked
			}
		}
	}
	return 0
}

// causeSlack is for messages to reach the plugin and come back, beside the time that VRRP takes: three advert intervals
// and less than one more.
const causeSlack = 2 * time.Second

// is says in words how an instance is.
func (v *instance) is() string {
	if v.state == "" {
		return fmt.Sprintf("vrrp_instance %s is not yet known", v.cfg.Name)
	}
	return fmt.Sprintf("vrrp_instance %s is %s", v.cfg.Name, v.state)
}
