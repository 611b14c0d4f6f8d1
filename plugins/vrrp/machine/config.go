package machine

import (
	"cmp"
	"net/netip"
	"time"
)

// Owner is the priority of the router that owns the addresses (RFC 9568 section 5.2.4). No weight changes it.
const Owner = 255

// A Config is all that the machine knows of one instance (one virtual router). It is expected to be valid; the caller
// refuses what is not.
type Config struct {
	Name string // what makes two Configs the same instance, as long as its identity stays

	// The identity: an instance in which one of these changes is another instance. Identity is whatever else makes it
	// another one to the caller: its interface, its peers. The family of Address belongs to it too.
	VRID, Version uint8
	Identity      string

	Priority       uint8         // 1 to 255 (Owner)
	PriorityChange int           // sum of the weights of what is tracked
	AdvertInterval time.Duration // between two adverts of this router as a master; above 0
	Preempt        bool          // take the role from a living master of lower priority; an Owner always does
	PreemptDelay   time.Duration // how long such a master is left alone, from its first advert on
	StartupDelay   time.Duration // after the instance appears, on top of Master_Down, before it may become master
	Address        netip.Addr    // own primary address: decides between equal priorities. Invalid: unknown, the instance is in Fault
	Group          string        // its sync group; "" for none

	Fault    string // not "": something it depends on is down, and what
	Released bool   // the operator gave the role away: never master
	Resume   bool   // at its first appearance: its addresses are in place and nobody took over: go on as Master

	Announce AnnounceConfig
}

// AnnounceConfig says how often addresses are announced, each time with how many packets per address. What is 0 is not
// done. The pace between packets is the announcer's. The comments name keepalived's settings.
type AnnounceConfig struct {
	Repeat              int           // at once when becoming master, and again after Delay: garp_master_repeat
	Delay               time.Duration // garp_master_delay
	Refresh             time.Duration // garp_master_refresh
	RefreshRepeat       int           // garp_master_refresh_repeat
	LowerPriorityRepeat int           // when another master was heard, at once and again after its Delay: garp_lower_prio_repeat
	LowerPriorityDelay  time.Duration // garp_lower_prio_delay
}

// An Advert is an advertisement that passed every check of the receive path, for the instance that it is given to.
type Advert struct {
	Source   netip.Addr
	Priority uint8         // 0: its sender is leaving
	Interval time.Duration // version 3: the Max Advertise Interval
}

// priority returns the effective priority of this instance alone: base and weights, within 1 to 254, or Owner.
func (c *Config) priority() uint8 {
	if c.Priority == Owner {
		return Owner
	}
	return uint8(max(1, min(254, int(c.Priority)+c.PriorityChange)))
}

// fault returns why the instance can't run, "" if it can.
func (c *Config) fault() string {
	return cmp.Or(c.Fault, c.incomplete())
}

func (c *Config) incomplete() string {
	switch {
	case !c.Address.IsValid():
		return "no address of its own to send from"
	case c.AdvertInterval <= 0:
		return "no advertisement interval"
	}
	return ""
}

// plain returns the address as the protocol compares it: an unsigned integer in network byte order, without a zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
