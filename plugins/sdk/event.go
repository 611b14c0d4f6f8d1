package sdk

import "time"

// An Event is a fact with its cause: "real_server web/10.1.0.11:80: up -> down: HTTP 503 (because of event 41)".
// Events are what notify plugins receive and what "evenkeel events" prints.
type Event struct {
	ID      uint64    // ascending, never reused on one director; 0 until the journal has it
	Time    time.Time // of the observation
	Kind    string    // what the subject is: real_server, virtual_server, quorum, check, weight, vrrp_instance, plugin, config …
	Subject string    // which one: "web/10.1.0.11:80"
	From    string    // the state before, "" when there was none
	To      string    // the state now
	Reason  string    // in words for an operator
	Cause   uint64    // the event that led to this one; 0: none
}
