package machine

import "fmt"

// A group is a sync group: instances that have the role on the same node. An instance without one is a group of its own.
// It has no memory: each configuration makes the groups anew.
type group struct {
	name    string // "" for an instance alone
	members []*Instance
}

// priority returns the one priority of the group: the lowest of its members'.
func (g *group) priority() uint8 {
	lowest := uint8(Owner)
	for _, m := range g.members {
		lowest = min(lowest, m.config.priority())
	}
	return lowest
}

// released says whether the operator gave away a member, and so the group.
func (g *group) released() bool {
	for _, m := range g.members {
		if m.config.Released {
			return true
		}
	}
	return false
}

// fault returns why the group can't run: the fault of its first member that has one.
func (g *group) fault() string {
	for _, m := range g.members {
		if reason := m.config.fault(); reason != "" && len(g.members) > 1 {
			return fmt.Sprintf("sync group %s: %s: %s", g.name, m.config.Name, reason)
		} else if reason != "" {
			return reason
		}
	}
	return ""
}

// take makes the group master if every member is, or is ready to be.
func (g *group) take(reason string) {
	for _, m := range g.members {
		if m.released || m.state != Master && !m.ready {
			return
		}
	}
	g.promote(reason)
}

// promote makes every member master: all adverts first, then the addresses, then the announcements. A master that lives serves
// until it hears the advert, so that goes last where there is one: a client finds one of the two at any time.
func (g *group) promote(reason string) {
	served := g.served()
	if !served {
		g.claim()
	}
	for _, m := range g.members {
		if m.state != Master {
			m.place(AddAddresses)
		}
	}
	for _, m := range g.members {
		if m.state != Master {
			m.announce(m.config.Announce.Repeat)
		}
	}
	if served {
		g.claim()
	}
	for _, m := range g.members {
		if m.state != Master {
			m.enterMaster(reason)
		}
	}
}

// claim has every member that becomes master say so.
func (g *group) claim() {
	for _, m := range g.members {
		if m.state != Master {
			m.send(m.priority)
		}
	}
}

// served says whether there may be a master that lives for all members that are not it: one that gave its role away, or has a
// lower priority.
func (g *group) served() bool {
	for _, m := range g.members {
		if m.state != Master && !m.given && !m.heard.Source.IsValid() {
			return false
		}
	}
	return true
}

// yield makes backups of the members that are masters, because of another master's advert to one of them. No priority 0
// is sent: the other is there already.
func (g *group) yield(to *Instance, a Advert, reason string) {
	g.remove()
	g.follow(to, a, reason)
}

// remove takes the addresses of the members that are masters away.
func (g *group) remove() {
	for _, m := range g.members {
		if m.state == Master {
			m.place(RemoveAddresses)
		}
	}
}

// follow makes backups of the members that were masters.
func (g *group) follow(to *Instance, a Advert, reason string) {
	for _, m := range g.members {
		switch {
		case m.state != Master:
		case m != to:
			m.enterBackup("another member of its sync group yielded", Advert{})
		default:
			m.enterBackup(reason, a)
		}
	}
}

// mayCross says whether a member that has a new master should let other groups of the same priority have an advert
// interval's lead from here. Addresses decide between equal priorities on each link for itself: two groups may each win
// on one link and lose on another, both yield, and begin anew together, for ever. So the link of the first member, the
// same on all nodes, says who begins later: who hears a higher address there. Each clash leaves one contender less.
func (g *group) mayCross(in *Instance, a Advert) bool {
	return len(g.members) > 1 && in == g.members[0] &&
		a.Priority == in.priority && a.Source != in.heard.Source && plain(a.Source).Compare(plain(in.config.Address)) > 0
}

// leave takes instances out of the role with priority 0, if they have it, and brings them all to another state.
func (r *Router) leave(instances []*Instance, to State, reason string) {
	for _, in := range instances {
		if in.holds {
			in.send(0)
		}
	}
	for _, in := range instances {
		if in.holds {
			in.place(RemoveAddresses)
		}
	}
	for _, in := range instances {
		switch {
		case in.state == to:
			in.reason = reason
		case to == Backup:
			in.enterBackup(reason, Advert{})
		default:
			in.enter(to, reason, noPeer)
		}
	}
}
