package machine

import "net/netip"

// A Kind says what an Action asks for.
type Kind uint8

// The kinds of actions. They are to be carried out in the order in which they are returned. On the way to Master the advert
// goes first, then the addresses come, then they are announced; if another master serves until it hears the advert, that goes
// last. On the way out an advert with priority 0 goes first, then the addresses are removed; the last advert of a master that
// yields to a better one goes after that. The Transition comes last, when what it tells is true.
const (
	SendAdvert      Kind = iota + 1 // send an advertisement with Priority and the instance's own AdvertInterval, now
	AddAddresses                    // put the virtual addresses in place; those that are there already are adopted
	RemoveAddresses                 // take the virtual addresses away, and forget announcements that still wait
	Announce                        // send Count gratuitous ARPs or unsolicited neighbour advertisements for each address
	Transition                      // tell: the state went From, To, for this Reason; Peer is the master we know of, if any
	Rival                           // tell: another master is heard (Begins), or no longer (not Begins): Peer with Priority
)

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case SendAdvert:
		return "send advert"
	case AddAddresses:
		return "add addresses"
	case RemoveAddresses:
		return "remove addresses"
	case Announce:
		return "announce"
	case Transition:
		return "transition"
	case Rival:
		return "rival"
	}
	return "unknown"
}

// An Action is something that the machine wants done, or tells.
type Action struct {
	Instance *Instance // a gone instance is still whole: its Config says what to remove
	Kind     Kind
	Priority uint8      // SendAdvert: what to say; Rival: what the other said
	Count    int        // Announce: packets per address, at least 1
	From, To State      // Transition
	Reason   string     // Transition, and the end of a Rival
	Peer     netip.Addr // Transition and Rival: the other master; invalid if none is known
	Begins   bool       // Rival: it begins
}
