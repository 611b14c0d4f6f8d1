package machine

import "time"

// enterMaster begins to advertise; the first advert and announcement are already on their way.
func (in *Instance) enterMaster(reason string) {
	in.enter(Master, reason, noPeer)
	in.counters.Masters++
	in.notBefore = 0
	now, a := in.router.now, &in.config.Announce
	in.set(protocol, now+in.interval)
	in.set(secondSet, after(now, a.Delay))
	in.set(refresh, after(now, a.Refresh))
}

// after returns the deadline that lies d after now; a d of 0 is never.
func after(now, d time.Duration) time.Duration {
	if d <= 0 {
		return never
	}
	return now + d
}

// advertExpired is RFC 9568 section 6.4.3 on the Adver_Timer. Adverts keep their pace: a late one does not delay the
// next. If a backup may have taken over since the last one (its Master_Down is at least three intervals), the addresses
// are announced again an interval later, when no better master has answered.
func (in *Instance) advertExpired() {
	late := in.lateBy(protocol)
	in.send(in.priority)
	now := in.router.now
	in.set(protocol, pace(in.timers[protocol], in.interval, now))
	if late >= 2*in.interval {
		in.set(secondSet, now+in.interval)
	}
}

// masterExpired is the end of a master's protocol timer.
func (in *Instance) masterExpired() {
	if in.parting {
		in.router.leave(in.group.members, Backup, released)
		return
	}
	in.advertExpired()
}

// pace returns the deadline after the one that is due, in step if it can be.
func pace(due, every, now time.Duration) time.Duration {
	if next := due + every; next > now {
		return next
	}
	return now + every
}

// part gives the role away and has the addresses until somebody else does: priority 0 has the best backup take over when its
// Skew_Time has passed, which is not more than an interval, and meanwhile clients are served. Where nobody takes over, the
// addresses go after two.
func (r *Router) part(masters []*Instance) {
	for _, in := range masters {
		if !in.parting {
			in.endRival("this router gives the role away")
			in.quiet()
			in.parting = true
			in.send(0)
			in.set(protocol, r.now+2*in.interval)
		}
	}
}

// stay takes a role back that nobody else has yet.
func (in *Instance) stay() {
	now := in.router.now
	in.parting = false
	in.send(in.priority)
	in.set(protocol, now+in.interval)
	in.set(refresh, after(now, in.config.Announce.Refresh))
}

// masterAdvert is RFC 9568 section 6.4.3 on receiving an advertisement.
func (in *Instance) masterAdvert(a Advert) {
	order := plain(a.Source).Compare(plain(in.config.Address))
	switch {
	case in.parting && (a.Priority == 0 || order == 0): // it is not answered
	case in.parting:
		in.group.yield(in, a, released)
	case a.Priority == 0:
		in.send(in.priority)
		in.set(protocol, in.router.now+in.interval)
		if a.Source == in.rival.Source {
			in.rivalGone("it gave up the role")
		}
	case a.Priority > in.priority:
		in.farewell(a, "advert with a higher priority")
	case a.Priority == in.priority && order > 0:
		in.farewell(a, "advert with the same priority from a higher address")
	case a.Priority == in.priority && order == 0: // our own, come back: to answer it would be a storm
		in.counters.Ignored++
	default:
		in.assert(a)
	}
}

// farewell yields with a last advert. If both were masters for long, in a network that was split, the better one may not
// have heard of this one yet: so it does, and announces the addresses again. keepalived has it as an option,
// higher_prio_send_advert. The addresses are gone before it is heard: Linux has been seen to answer an announcement as if they were
// still its own while they go.
func (in *Instance) farewell(a Advert, reason string) {
	in.group.remove()
	in.send(in.priority)
	in.group.follow(in, a, reason)
}

// assert answers another master that should yield to this one: with an advert at once, which also teaches the bridges
// (RFC 9568 section 6.4.3), and with announcements, for the other may have announced too.
func (in *Instance) assert(a Advert) {
	if in.stubborn(a) {
		in.group.yield(in, a, "another owner of the addresses does not yield")
		return
	}
	in.send(in.priority)
	if in.router.now-in.since >= in.interval { // until then it is the last word of the master that we took over from
		in.meet(a)
	}
	for _, m := range in.group.members {
		if m.state == Master && m.timers[afterRival] == never {
			m.announce(m.config.Announce.LowerPriorityRepeat)
			m.set(afterRival, after(in.router.now, m.config.Announce.LowerPriorityDelay))
		}
	}
}

// expire runs the timers of the instance that are due.
func (in *Instance) expire() {
	now, a := in.router.now, &in.config.Announce
	if in.timers[protocol] <= now {
		switch in.state {
		case Master:
			in.masterExpired()
		case Backup:
			in.masterDownExpired()
		}
	}
	if in.timers[secondSet] <= now {
		in.set(secondSet, never)
		in.announce(a.Repeat)
	}
	if due := in.timers[refresh]; due <= now {
		in.set(refresh, pace(due, a.Refresh, now))
		in.announce(a.RefreshRepeat)
	}
	if in.timers[afterRival] <= now {
		in.set(afterRival, never)
		in.announce(a.LowerPriorityRepeat)
	}
	if in.timers[rivalSilent] <= now {
		in.rivalGone("it is no longer heard")
	}
}
