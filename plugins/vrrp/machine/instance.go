package machine

import (
	"net/netip"
	"time"
)

// An Instance is one virtual router on this node. It belongs to its Router and is read between the Router's calls.
type Instance struct {
	router *Router
	config Config
	family int // bits of an address; 0 while it never had one
	group  *group

	state    State
	since    time.Duration
	reason   string
	priority uint8 // effective; the same in all members of a group
	released bool  // it, or another member of its group
	holds    bool  // its addresses are in place

	// In Backup.
	interval   time.Duration // Master_Adver_Interval; as a master, the own
	adopted    bool          // interval is that of a master that was heard
	heard      Advert        // the last advert of a living master; Source is invalid if there is none
	heardAt    time.Duration
	given      bool          // the master gave its role away, and nobody else was heard since
	ready      bool          // Master_Down has passed; it waits for the other members of its group, or for a reclaim
	doubted    bool          // Master_Down ended so late that the instance waits a little longer
	lowerSince time.Duration // the first advert of a master with lower priority; never if there is none
	letsPass   time.Duration // until then it gives another group of the same priority a lead
	notBefore  time.Duration // the start-up delay's end

	// In Master.
	parting    bool   // the operator gave the role away: it serves on until another has it
	rival      Advert // Source is invalid if there is none
	rivalSince time.Duration

	timers   [timers]time.Duration
	due      time.Duration // the earliest of timers
	position int           // in the router's queue
	counters Counters
}

// same says whether c is this instance with, at most, other settings. An address that is unknown may be of any family.
func (in *Instance) same(c *Config) bool {
	family := in.family == 0 || !c.Address.IsValid() || c.Address.BitLen() == in.family
	return in.config.VRID == c.VRID && in.config.Version == c.Version && in.config.Identity == c.Identity && family
}

// Config returns the configuration that the instance runs with.
func (in *Instance) Config() Config { return in.config }

// Name returns the configured name.
func (in *Instance) Name() string { return in.config.Name }

// State returns the state.
func (in *Instance) State() State { return in.state }

// A Status is what an operator wants to know of an instance.
type Status struct {
	State      State
	Since      time.Duration // on the clock of the Router's calls
	Reason     string        // of the last transition; in Fault what is down now
	Priority   uint8         // effective: weights and the sync group are in it
	Released   bool          // it, or a member of its sync group, was given away: never master
	Master     Advert        // in Backup: the master that is heard; Source is invalid if none is
	Rival      Advert        // in Master: another master that is heard; Source is invalid if none is
	RivalSince time.Duration
	Counters
}

// Counters count since the instance appeared.
type Counters struct {
	Sent     uint64 // adverts, with those of priority 0
	Received uint64 // adverts that were given to the machine
	Ignored  uint64 // of them: in Initialize or Fault, or our own that came back
	Leaving  uint64 // of them: with priority 0
	Masters  uint64 // times that it became master
	Late     uint64 // times that its Adver_Timer or Master_Down_Timer ran more than a tenth of an advert interval late
	MaxLate  time.Duration
}

// Status returns the instance's status.
func (in *Instance) Status() Status {
	return Status{
		State: in.state, Since: in.since, Reason: in.reason,
		Priority: in.priority, Released: in.released,
		Master: in.heard, Rival: in.rival, RivalSince: in.rivalSince,
		Counters: in.counters,
	}
}

// enter changes the state and tells it. What belongs to the old state ends.
func (in *Instance) enter(to State, reason string, peer netip.Addr) {
	in.endRival("this router is no longer master")
	in.quiet()
	in.parting = false
	from := in.state
	in.state, in.since, in.reason = to, in.router.now, reason
	in.heard, in.given = Advert{}, false
	in.lowerSince = never
	in.interval, in.adopted = in.config.AdvertInterval, false
	in.router.emit(Action{Instance: in, Kind: Transition, From: from, To: to, Reason: reason, Peer: peer})
}

// place puts the addresses in place, or takes them away.
func (in *Instance) place(kind Kind) {
	in.holds = kind == AddAddresses
	in.router.emit(Action{Instance: in, Kind: kind})
}

func (in *Instance) send(priority uint8) {
	in.counters.Sent++
	in.router.emit(Action{Instance: in, Kind: SendAdvert, Priority: priority})
}

func (in *Instance) announce(count int) {
	if count > 0 {
		in.router.emit(Action{Instance: in, Kind: Announce, Count: count})
	}
}

// lateBy returns how late the timer runs, and counts it.
func (in *Instance) lateBy(t timer) time.Duration {
	late := in.router.now - in.timers[t]
	if late > in.config.AdvertInterval/10 {
		in.counters.Late++
	}
	in.counters.MaxLate = max(in.counters.MaxLate, late)
	in.router.late = max(in.router.late, late)
	return late
}
