package machine

// A State is where an instance is in the protocol (RFC 9568 section 6.4; "Active" there is Master here, as RFC 3768 and
// every operator say).
type State uint8

// The states. Fault is keepalived's: RFC 9568 knows only Initialize for an instance that cannot run.
const (
	Initialize State = iota // not started, or gone from the configuration
	Backup                  // listens, and takes over when the master is not heard for a Master_Down interval
	Master                  // holds the addresses and advertises
	Fault                   // cannot run: something it depends on is down
)

// String returns the state as it is written in status and events.
func (s State) String() string {
	switch s {
	case Initialize:
		return "initialize"
	case Backup:
		return "backup"
	case Master:
		return "master"
	case Fault:
		return "fault"
	}
	return "unknown"
}
