package machine

import (
	"net/netip"
	"time"
)

// enterBackup begins to listen, with a full Master_Down interval. master is the advert that made it so, if one did.
func (in *Instance) enterBackup(reason string, master Advert) {
	in.enter(Backup, reason, master.Source)
	if master.Source.IsValid() {
		in.follow(master)
		return
	}
	in.wait(in.masterDown())
}

// wait starts the Master_Down_Timer. The start-up delay is kept whatever is heard meanwhile.
func (in *Instance) wait(d time.Duration) {
	in.ready, in.doubted, in.given = false, false, false
	in.set(protocol, max(in.router.now+d, in.notBefore))
}

// follow accepts a master: its interval counts from now on, and it has a Master_Down interval until its next advert.
func (in *Instance) follow(a Advert) {
	in.interval, in.adopted = in.intervalOf(a), in.config.Version != 2
	if in.group.mayCross(in, a) {
		in.letsPass = in.router.now + in.interval
	}
	in.hear(a)
	d := in.masterDown()
	if in.router.now < in.letsPass {
		d += in.interval
	}
	in.wait(d)
}

func (in *Instance) hear(a Advert) {
	in.heard, in.heardAt = a, in.router.now
}

// backupAdvert is RFC 9568 section 6.4.2 on receiving an advertisement.
func (in *Instance) backupAdvert(a Advert) {
	if a.Priority == 0 {
		if a.Source == in.heard.Source {
			in.heard = Advert{}
		}
		in.wait(in.skew())
		in.given = true
		return
	}
	if a.Priority >= in.priority {
		in.lowerSince = never
	} else if in.lowerSince == never {
		in.lowerSince = in.router.now
	}
	if !in.accepts(a) {
		in.hear(a) // for the status; the timer runs on
		return
	}
	in.follow(a)
	// The role is held as a whole or not at all: a member that has another master takes the group with it.
	in.group.yield(in, a, "")
}

// accepts says whether the sender may be, or stay, master.
func (in *Instance) accepts(a Advert) bool {
	switch {
	case a.Priority >= in.priority:
		return true
	case in.priority == Owner: // preempts always and at once (RFC 9568 section 6.1, Preempt_Mode)
		return false
	case !in.config.Preempt:
		return true
	}
	return in.router.now-in.lowerSince < in.config.PreemptDelay
}

// masterDownExpired is RFC 9568 section 6.4.2 on the Master_Down_Timer. A timer that runs later than an advert interval
// says more about this process than about the master: what it would have heard may be lost, so it listens once more.
func (in *Instance) masterDownExpired() {
	if late := in.lateBy(protocol); late > in.interval && !in.doubted {
		in.wait(in.interval + in.skew())
		in.doubted = true
		return
	}
	in.set(protocol, never)
	in.ready = true
	if in.router.now-in.heardAt >= in.masterDown() {
		in.heard = Advert{}
	}
	in.group.take("master not heard")
}

// setPriority takes in the effective priority. A running Master_Down_Timer moves by the difference of the two intervals.
func (in *Instance) setPriority(p uint8) {
	before := in.masterDown()
	in.priority = p
	in.shift(in.masterDown() - before)
}

// setInterval takes in another AdvertInterval. A master's next advert is not later than it was going to be; a backup
// that follows a version 3 master keeps that one's.
func (in *Instance) setInterval(d time.Duration) {
	changed := in.config.AdvertInterval != d
	in.config.AdvertInterval = d
	switch {
	case !changed:
	case in.state == Master:
		in.interval = d
		in.set(protocol, min(in.timers[protocol], in.router.now+d))
	case !in.adopted:
		before := in.masterDown()
		in.interval = d
		in.shift(in.masterDown() - before)
	}
}

func (in *Instance) shift(by time.Duration) {
	if in.state == Backup && in.timers[protocol] != never && by != 0 {
		in.set(protocol, max(in.router.now, in.notBefore, in.timers[protocol]+by))
	}
}

// noPeer stands where no other router is the cause.
var noPeer netip.Addr
