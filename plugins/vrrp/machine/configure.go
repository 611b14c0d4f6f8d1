package machine

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// Configure says which instances there should be, all of them, each with a name of its own. An instance that stays the
// same one misses no advert: what changed is taken in, its timers run on, moved only as far as a new priority or interval
// demands. One that is gone, or has become another one, leaves with priority 0 and without addresses.
func (r *Router) Configure(now time.Duration, all []Config, out []Action) []Action {
	r.begin(now, out)
	r.dismiss(all)
	known := make(map[string]*Instance, len(r.instances))
	for _, in := range r.instances {
		known[in.config.Name] = in
	}
	r.instances = r.instances[:0]
	for _, c := range all {
		in := known[c.Name]
		if in == nil {
			in = r.newInstance(c)
		} else {
			in.update(c)
		}
		r.instances = append(r.instances, in)
	}
	for _, g := range r.groups() {
		r.settle(g)
	}
	return r.end()
}

// dismiss takes out the instances that all knows no more.
func (r *Router) dismiss(all []Config) {
	next := make(map[string]*Config, len(all))
	for i := range all {
		next[all[i].Name] = &all[i]
	}
	var gone []*Instance
	r.instances = slices.DeleteFunc(r.instances, func(in *Instance) bool {
		c := next[in.config.Name]
		if c != nil && in.same(c) {
			return false
		}
		gone = append(gone, in)
		return true
	})
	r.leave(gone, Initialize, "no longer in the configuration")
	for _, in := range gone {
		heap.Remove(&r.queue, in.position)
	}
}

func (r *Router) newInstance(c Config) *Instance {
	in := &Instance{router: r, config: c, since: r.now, interval: c.AdvertInterval, lowerSince: never, due: never, holds: c.Resume}
	in.family = c.Address.BitLen()
	for t := range in.timers {
		in.timers[t] = never
	}
	heap.Push(&r.queue, in)
	return in
}

// update takes in the settings of an instance that stays.
func (in *Instance) update(c Config) {
	in.setInterval(c.AdvertInterval)
	if in.state == Master && in.config.Announce.Refresh != c.Announce.Refresh {
		in.set(refresh, after(in.router.now, c.Announce.Refresh))
	}
	if c.Address.IsValid() {
		in.family = c.Address.BitLen()
	}
	in.config = c
}

// groups makes the sync groups, in the order of the configuration; the members of each in an order that is the same on
// every node.
func (r *Router) groups() []*group {
	var all []*group
	named := make(map[string]*group)
	for _, in := range r.instances {
		g := named[in.config.Group]
		if g == nil {
			g = &group{name: in.config.Group}
			all = append(all, g)
		}
		if g.name != "" {
			named[g.name] = g
		}
		g.members = append(g.members, in)
		in.group = g
	}
	for _, g := range all {
		slices.SortStableFunc(g.members, func(a, b *Instance) int {
			return cmp.Or(
				cmp.Compare(a.config.VRID, b.config.VRID),
				cmp.Compare(a.config.Version, b.config.Version),
				cmp.Compare(a.family, b.family))
		})
	}
	return all
}

// settle brings a group to what its configuration says now.
func (r *Router) settle(g *group) {
	priority, away, fault := g.priority(), g.released(), g.fault()
	var masters, fresh []*Instance
	for _, m := range g.members {
		reclaimed := m.released && !away
		m.setPriority(priority)
		m.released = away
		if d := m.config.StartupDelay; d > 0 && m.state == Initialize {
			m.notBefore = r.now + d + m.masterDown()
		}
		switch {
		case fault != "":
		case m.state == Initialize:
			fresh = append(fresh, m)
		case m.state == Fault:
			m.enterBackup("recovered", Advert{})
		case m.state == Master:
			if reclaimed && m.parting {
				m.stay()
			}
			masters = append(masters, m)
		case reclaimed, m.ready && m.heard.Source.IsValid() && m.accepts(m.heard):
			m.wait(m.masterDown())
		}
	}
	switch {
	case fault != "":
		r.leave(g.members, Fault, fault)
		return
	case away:
		r.part(masters)
	}
	r.start(g, fresh)
	g.take("master not heard")
}

// released is why an instance is no longer master that was given away.
const released = "released by the operator"

// start brings new instances into the protocol: RFC 9568 section 6.4.1, and what goes on where a predecessor was.
func (r *Router) start(g *group, fresh []*Instance) {
	if len(fresh) > 0 && g.mayStart() {
		g.promote(startReason(fresh))
		return
	}
	r.leave(fresh, Backup, "started")
}

// mayStart says whether all of the group can be master at once.
func (g *group) mayStart() bool {
	return !slices.ContainsFunc(g.members, func(m *Instance) bool {
		owner := m.priority == Owner && m.config.StartupDelay == 0
		begins := m.state == Initialize && (m.config.Resume || owner)
		return m.released || m.state != Master && !begins
	})
}

func startReason(fresh []*Instance) string {
	if fresh[0].config.Resume {
		return "resumed: the addresses were still in place"
	}
	return "owner of the addresses"
}
