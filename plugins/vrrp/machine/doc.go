// Package machine is the state machine of VRRP: RFC 9568 section 6.4 for version 3, RFC 3768 section 6.4 for version 2,
// for all the instances (virtual routers) and sync groups of one node. It is pure: adverts, time and configuration go in,
// actions come out. It has no clock, no socket and no goroutine, and allocates nothing between two configurations.
//
//	              Configure: it is new
//	                       |
//	                +------v-----+  owner of the addresses, or resumed where a predecessor was
//	                | Initialize |---------------------------------------------+
//	                +------+-----+                                             |
//	                       |                                                   |
//	                +------v-----+  Master_Down passed, in all members   +-----v------+
//	           +--->|   Backup   |-------------------------------------->|   Master   |<---+
//	           +----|            |<--------------------------------------|            |----+
//	an advert that  +---+----^---+  a better master, of this or another  +-----+------+  Adver_Timer: advert
//	it accepts:         |    |      member (a last advert); released           |         a worse master's advert: advert,
//	Master_Down         |    |      (see below)                                |         announce, Rival
//	begins anew         |    |                                                 |
//	              fault |    | no member has a fault                           | fault: priority 0
//	                +---v----+-------------------------------------------------v---+
//	                |                            Fault                             |
//	                +--------------------------------------------------------------+
//
// The loop around it calls Configure with the whole list whenever something changed, Advert for each valid
// advertisement, Tick when Next says so, and carries the actions out in their order.
//
// # Timers
//
// Master_Down is three intervals of the master and Skew_Time, which is shorter the higher the priority, so that the best
// backup is first. A backup of version 3 learns the interval from the adverts it accepts. Adverts are sent in step: one
// that is late does not push the next one back.
//
// # A role that is given away
//
// A master that the operator releases says priority 0, and goes on serving, without adverts, until it hears another master,
// or for two intervals: the best backup takes over after its Skew_Time, which is not more than one. So clients are served all
// the time, where RFC 9568 and keepalived leave them without an answer for as long as that. A fault, or a stop, gives the
// role away at once.
//
// Who takes over from a master that lives, because that gave its role away or has a lower priority, puts the addresses in
// place and announces them first, and sends its advert then, at which the other removes them.
//
// # Sync groups
//
// The members of a group have the role on the same node. One in Fault brings all to Fault, until none has one. The group
// becomes master when Master_Down has passed in all members, and together; a member that yields takes the others with
// it. A member that a new configuration adds to a group that is master joins it when nobody else has its role. An
// instance without a group is a group of its own.
//
// # A machine that stood still
//
// A process that is stopped, or a virtual machine that is paused, wakes up with timers that should have run long ago. Its
// loop reads the adverts that wait before it calls Tick. A master whose advert is two intervals late or more, so that
// a backup may have taken over and announced itself, sends its advert at once, for adverts decide who is master, and
// announces its addresses again an interval later, if it still is. A backup whose Master_Down_Timer runs more than one
// interval late does not believe it once: it listens for another interval and Skew_Time first.
//
// # Where it deviates from the RFCs
//
//   - Version 2 answers a losing advert at once, as RFC 9568 demands; RFC 3768 would discard it in silence. A split
//     heals sooner.
//   - Who takes over from a master that lives announces its addresses before its first advert, not after it.
//   - A master that yields sends a last advert. Where a split heals, the master that stays may be heard before it hears;
//     so it learns of the other in any case, tells of it and announces the addresses again.
//   - An advert that is in all our own (our priority, our address) is neither answered nor yielded to: it came back
//     through a loop, and each answer would come back too.
//   - Fault. An owner that recovers from it listens for a Master_Down interval first; only at its first appearance, and
//     without a start-up delay, it is master at once.
//   - A second owner that goes on advertising for three intervals, though it should have yielded, is yielded to.
//   - Groups of the same priority whose addresses decide one way on one link and another way on the next could clash for
//     ever; one that yielded on its first link gives the other an interval's lead.
//   - Start-up delay, preempt delay, sync groups, released instances and what is said above of late timers.
//
// # Where it deviates from keepalived
//
//   - A group has one priority: the lowest effective one of its members. keepalived advertises each member's own, and
//     ignores the weights of members; if the priorities of two nodes cross, neither group or both become master.
//   - A rejected advert does nothing. keepalived restarts a master's Adver_Timer.
//   - A new configuration keeps the Master_Down_Timer and the progress of a preempt delay. keepalived starts both anew.
//   - An instance is known by its name and identity. A changed identity is a role given away, with priority 0.
//   - Of two owners, keepalived's goes down to priority 254 for a while; here it is a plain yield, for as long as the
//     other is heard.
//   - What is announced because of a rival is announced at most once until its second set, and once more when the rival
//     is gone. A rival in the middle of its own announcements can't have the last word.
//   - Released, Resume and the treatment of late timers are not in keepalived.
package machine
