package address

import "fmt"

// An Action is what was done about an address or a route.
type Action uint8

// The actions. Only Adopted writes nothing.
const (
	Added   Action = iota
	Adopted        // it was there, and ours: an earlier process made it
	Taken          // it was there, and somebody else's: now it is ours
	Changed        // it was there, and not as it should be: now it is
	Removed
)

// A Change is one thing that was done, or failed.
type Change struct {
	Action  Action
	What    string   // "192.0.2.1/24 on eth0"
	Address *Address // nil: a route
	Err     error    // nil: it was done
}

// String is for a log: "added 192.0.2.1/24 on eth0", "remove 192.0.2.1/24 on eth0: permission denied".
func (c Change) String() string {
	if c.Err != nil {
		verb := "add"
		if c.Action == Removed {
			verb = "remove"
		}
		return fmt.Sprintf("%s %s: %v", verb, c.What, c.Err)
	}
	switch c.Action {
	case Adopted:
		return c.What + " was there already"
	case Taken:
		return "took over " + c.What + ", which somebody else had configured: it will go when the instance is not master"
	case Changed:
		return "corrected " + c.What
	case Removed:
		return "removed " + c.What
	}
	return "added " + c.What
}
